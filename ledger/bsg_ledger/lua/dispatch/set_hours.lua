#!lua flags=allow-oom
-- Writes down the span of a campaign's sending hours that is now or comes next, when the one before is over.
local campaign, closed_at, opens_at, closes_at = unpack(ARGV)
-- ARGV    closed_at: the end of the span that is over, as the worker read it; all in milliseconds
-- Return  {set} or {stale}
-- Transition  none
local key = campaign_key(campaign)
if redis.call('HGET', key, 'closes_at') ~= closed_at then return { 'stale' } end  -- guard: hours-set-once
redis.call('HSET', key, 'opens_at', opens_at, 'closes_at', closes_at)
redis.call('HDEL', key, 'held_until')
refresh_ready(campaign)
return { 'set' }
