#!lua flags=allow-oom
-- Removes some of the batches and chunks that a compacted campaign had.
local campaign, most = unpack(ARGV)
-- ARGV    most: batches and chunks at most
-- Return  {more | done}
-- Transition  none of states
if not is_compacted(campaign) then return { 'done' } end  -- guard: remove-compacted-only
return { remove_some(campaign, number(most)) and 'more' or 'done' }
