#!lua flags=allow-oom
-- Records a campaign's current or next sending hours, after the previous ones have ended.
local campaign, closed_at, opens_at, closes_at = unpack(ARGV)
-- ARGV    closed_at: the end of the previous hours, as the worker read it; all in milliseconds
-- Return  {set} or {stale}
-- Transition  none
local key = campaign_key(campaign)
if redis.call('HGET', key, 'closes_at') ~= closed_at then return { 'stale' } end  -- guard: hours-set-once
redis.call('HSET', key, 'opens_at', opens_at, 'closes_at', closes_at)
redis.call('HDEL', key, 'held_until', 'held_for')
refresh_ready(campaign)
return { 'set' }
