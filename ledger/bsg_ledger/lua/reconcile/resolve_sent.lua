#!lua flags=allow-oom
-- Records an operator's decision that BSG sent the campaign that it no longer knows.
local campaign, batch, named, next_poll = unpack(ARGV)
-- ARGV    named: the BSG campaign that the operator means; next_poll: in milliseconds
-- Return  {finished} or {stale, state}
-- Transition  submitted, an operator being asked -> finished, its status unknown
local key = batch_key(campaign, batch)
local state, bsg_id, needs_operator = get(key, 'state', 'bsg_campaign_id', 'needs_operator')
-- guard: finish-if-denied
if state ~= 'submitted' or not needs_operator or bsg_id ~= named then return { 'stale', state or '' } end
redis.call('HDEL', key, 'error')
note_status(campaign, batch, 'unknown')
redis.call('HSET', key, 'finished_at', NOW)
-- A campaign that BSG fails to show may still be sent, so it can still be stopped.
if needs_operator == 'lost' then  -- guard: stop-outlives-operator
  redis.call('ZREM', account_key(account_of(campaign), 'stops'), bsg_id)
  forget_refusals(account_of(campaign), bsg_id)
end
move(campaign, batch, 'finished', NOW + next_poll, 'operator: sent')
return { 'finished' }
