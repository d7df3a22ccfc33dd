#!lua flags=allow-oom
-- An operator's word that BSG has sent the campaign that it does not know any more.
-- ARGV  1 campaign, 2 batch, 3 BSG campaign id, 4 next poll (ms)
-- Returns {finished} or {stale, state}
-- Transition  submitted, an operator being asked -> finished, its status unknown
local campaign, batch = ARGV[1], ARGV[2]
local key = batch_key(campaign, batch)
local state, bsg_id, needs_operator = get(key, 'state', 'bsg_campaign_id', 'needs_operator')
-- guard: finish-if-denied
if state ~= 'submitted' or not needs_operator or bsg_id ~= ARGV[3] then return { 'stale', state or '' } end
redis.call('HDEL', key, 'error')
note_status(campaign, batch, 'unknown')
redis.call('HSET', key, 'finished_at', NOW)
-- What BSG only cannot show it may still send, and stop.
if needs_operator == 'lost' then  -- guard: stop-outlives-operator
  redis.call('ZREM', account_key(account_of(campaign), 'stops'), bsg_id)
  forget_refusals(account_of(campaign), bsg_id)
end
move(campaign, batch, 'finished', NOW + ARGV[4], 'operator: sent')
return { 'finished' }
