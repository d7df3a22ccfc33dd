#!lua flags=allow-oom
-- Adds some of the batches and rejects of a chunk that was committed, or of the rejects of one that was given up.
-- ARGV  1 campaign, 2 how many at most
-- Returns {more | done}
-- Transition  batches: (nothing) -> pending
local campaign, most = ARGV[1], number(ARGV[2])
return { add_committed(campaign, most) and 'more' or 'done' }  -- guard: committed-added-to-end
