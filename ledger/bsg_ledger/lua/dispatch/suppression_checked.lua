#!lua flags=allow-oom
-- Records that no message of a waiting batch is on a version of the suppression list. The batch is due at once.
local campaign, batch, size, held_against, list = unpack(ARGV)
-- ARGV    size, held_against: of the batch when its messages were looked up in the list
-- Return  {pending} or {stale}
-- Transition  none
if not waits_unchanged(campaign, batch, size, held_against) then return { 'stale' } end  -- guard: checked-as-read
redis.call('HSET', batch_key(campaign, batch), 'suppressions', list)
delay_batch(campaign, batch, NOW)
return { 'pending' }
