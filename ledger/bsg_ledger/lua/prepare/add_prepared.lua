#!lua flags=allow-oom
-- Adds some of the batches and rejects of a chunk that was committed, or of the rejects of one that was given up.
local campaign, most = unpack(ARGV)
-- ARGV    most: batches and rejects at most
-- Return  {more | done}
-- Transition  batches: (nothing) -> pending
most = number(most)
return { add_committed(campaign, most) and 'more' or 'done' }  -- guard: committed-added-to-end
