"""Sends batches: claim, permit, slot, intent, POST, record."""
