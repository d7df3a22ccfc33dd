"""What keeps an account going: due work, stops, the gate's probe, funds, opt-outs, purging, calibration."""
