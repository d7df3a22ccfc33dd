"""Streams: send one message at a time, and let what has come together leave in one request."""
