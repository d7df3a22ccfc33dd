#!lua flags=allow-oom
-- Postpones a stop of a campaign that BSG denies. After long enough without another response, ends the stop with an
-- alarm for an operator.
local account, bsg_id, denied_for, delay, cause = unpack(ARGV)
-- ARGV    denied_for: how long BSG has to deny it; delay: until the next try; both in milliseconds
-- Return  {denied}, {given_up} or {stale}
-- Transition  the stop's row is done; an operator is asked about the batch if that campaign is the one that counts
local stops, refusals = account_key(account, 'stops'), account_key(account, 'stop-refusals')
if not redis.call('ZSCORE', stops, bsg_id) then return { 'stale' } end  -- guard: stop-denied-not-over
local id = redis.call('HGET', account_key(account, 'owners'), bsg_id)
redis.call('HSETNX', refusals, bsg_id .. ':denied', NOW)
-- guard: stop-denied-retried
if id and NOW - number(redis.call('HGET', refusals, bsg_id .. ':denied')) < number(denied_for) then
  redis.call('ZADD', stops, NOW + delay, bsg_id)
  return { 'denied' }
end
redis.call('ZREM', stops, bsg_id)  -- guard: stop-denied-ends
forget_refusals(account, bsg_id)
redis.call('HINCRBY', LEDGER, 'alarms', 1)  -- guard: stop-given-up-alarm
if not id then return { 'given_up' } end
local campaign, batch = string.match(id, '^(.*)-(%d+)$')
local state, counts, needs_operator = get(batch_key(campaign, batch), 'state', 'bsg_campaign_id', 'needs_operator')
redis.call('HSET', batch_key(campaign, batch), 'unstopped:' .. bsg_id, NOW)  -- guard: stop-given-up-once
record_event(campaign, batch, state, state, 'ALARM: BSG does not know a campaign that it has to stop', bsg_id)
if state == 'submitted' and counts == bsg_id and not needs_operator then
  redis.call('HSET', batch_key(campaign, batch), 'error', cause)
  ask_operator(campaign, batch, state, 'unstopped', cause)  -- guard: stop-given-up-asks
end
return { 'given_up' }
