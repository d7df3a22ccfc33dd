"""Look up at BSG the batches that were on the wire without a clear response."""
