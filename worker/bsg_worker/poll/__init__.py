"""Read BSG's statuses of live batches, and find messages that BSG dropped."""
