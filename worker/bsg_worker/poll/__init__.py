"""Reads BSG's statuses of live batches, and what is missing in their totals."""
