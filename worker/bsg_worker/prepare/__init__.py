"""Make batches and rejects of a campaign's messages."""
