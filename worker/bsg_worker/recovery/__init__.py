"""What mends a ledger that went back, and campaigns of a key that was replaced."""
