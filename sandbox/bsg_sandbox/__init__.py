"""BSG One API on loopback: strict and deterministic, for any client of it."""
