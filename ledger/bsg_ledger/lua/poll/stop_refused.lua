#!lua flags=allow-oom
-- Postpones a stop that BSG refused. It is tried again, with growing waits, until BSG reports a final status.
local account, bsg_id, status, shortest = unpack(ARGV)
-- ARGV    status: that BSG gives it; shortest: wait until the next try (ms)
-- Return  {refused} or {stale}
-- Transition  none: the stop's row stays, with an event when the status has changed since the last refusal
local stops, refusals = account_key(account, 'stops'), account_key(account, 'stop-refusals')
if not redis.call('ZSCORE', stops, bsg_id) then return { 'stale' } end  -- guard: stop-refused-not-over
redis.call('HSETNX', refusals, bsg_id .. ':since', NOW)
local since, before = get(refusals, bsg_id .. ':since', bsg_id)
redis.call('HSET', refusals, bsg_id, status)
redis.call('HDEL', refusals, bsg_id .. ':denied')  -- guard: stop-refusal-ends-denials
-- guard: stop-wait-bounded
local wait = math.min(math.max(number(shortest), (NOW - number(since)) / 60), MAX_STOP_WAIT)
redis.call('ZADD', stops, NOW + math.floor(wait), bsg_id)  -- guard: stop-refused-retried
local id = redis.call('HGET', account_key(account, 'owners'), bsg_id)
if id and before ~= status then
  local campaign, batch = string.match(id, '^(.*)-(%d+)$')
  local state = redis.call('HGET', batch_key(campaign, batch), 'state')
  record_event(campaign, batch, state, state, 'BSG has not stopped it yet', bsg_id .. ': ' .. status)
end
return { 'refused' }
