#!lua flags=allow-oom
-- Adds some of the chunks that an accepted campaign has more than one step adds.
local campaign, most = unpack(ARGV)
-- ARGV    most: chunks at most
-- Return  {more | done}
-- Transition  chunks: (nothing) -> unprepared
return { add_chunks_left(campaign, most) and 'more' or 'done' }  -- guard: chunks-added-to-end
