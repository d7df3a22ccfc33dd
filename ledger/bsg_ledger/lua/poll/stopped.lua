#!lua flags=allow-oom
-- Records that a campaign to be stopped is final at BSG.
local account, bsg_id, status = unpack(ARGV)
-- ARGV    status: stopped, done or spam
-- Return  {that status}
-- Transition  the stop's row is done
local id = redis.call('HGET', account_key(account, 'owners'), bsg_id)
forget_refusals(account, bsg_id)
if redis.call('ZREM', account_key(account, 'stops'), bsg_id) == 1 and id then  -- guard: stop-recorded-once
  local campaign, batch = string.match(id, '^(.*)-(%d+)$')
  local state = redis.call('HGET', batch_key(campaign, batch), 'state')
  record_event(campaign, batch, state, state, status == 'stopped' and 'stopped at BSG' or 'BSG could not stop it', bsg_id)
  redis.call('ZADD', account_key(account, 'live'), 'XX', NOW, id)
end
return { status }
