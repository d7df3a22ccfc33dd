"""Looks up at BSG what was on the wire without a clear response."""
