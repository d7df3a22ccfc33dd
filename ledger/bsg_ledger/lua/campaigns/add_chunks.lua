#!lua flags=allow-oom
-- Adds some of the remaining chunks of an accepted campaign.
local campaign, most = unpack(ARGV)
-- ARGV    most: chunks at most
-- Return  {more | done}
-- Transition  chunks: (nothing) -> unprepared
return { add_chunks_left(campaign, most) and 'more' or 'done' }  -- guard: chunks-added-to-end
