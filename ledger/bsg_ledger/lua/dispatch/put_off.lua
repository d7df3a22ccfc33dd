#!lua flags=allow-oom
-- Postpones a waiting batch whose messages cannot be read here.
local campaign, batch, size, held_against, _, delay, cause = unpack(ARGV)
-- ARGV    size and held_against as they were when it was read; delay in milliseconds
-- Return  {pending} or {stale}
-- Transition  none
if not waits_unchanged(campaign, batch, size, held_against) then return { 'stale' } end  -- guard: put-off-as-read
note_unreadable(campaign, cause)
delay_batch(campaign, batch, NOW + delay)
return { 'pending' }
