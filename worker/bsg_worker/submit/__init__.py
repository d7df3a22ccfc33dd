"""Send batches: the ledger dispatches one with its intent on disk, then POST, then record."""
