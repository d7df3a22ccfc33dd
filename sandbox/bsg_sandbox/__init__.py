"""BSG One API on loopback: a strict, deterministic far side for any client of it."""
