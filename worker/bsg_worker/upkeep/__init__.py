"""Upkeep of an account: due work, stops, the gate's probe, funds, opt-outs, purging, calibration."""
