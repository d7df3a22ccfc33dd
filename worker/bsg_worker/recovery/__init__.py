"""Recover a ledger that went back, and move campaigns of a replaced key."""
