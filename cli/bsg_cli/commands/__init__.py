"""The commands of `bsg-campaigns`, one module for each group."""
