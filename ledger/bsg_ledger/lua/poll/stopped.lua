#!lua flags=allow-oom
-- Records that BSG is done with a campaign that is to be stopped.
-- ARGV  1 account, 2 BSG campaign id, 3 the final status that BSG gives it: stopped, done or spam
-- Returns {that status}
-- Transition  the stop's row is done
local id = redis.call('HGET', account_key(ARGV[1], 'owners'), ARGV[2])
forget_refusals(ARGV[1], ARGV[2])
if redis.call('ZREM', account_key(ARGV[1], 'stops'), ARGV[2]) == 1 and id then  -- guard: stop-recorded-once
  local campaign, batch = string.match(id, '^(.*)-(%d+)$')
  local state = redis.call('HGET', batch_key(campaign, batch), 'state')
  record_event(campaign, batch, state, state, ARGV[3] == 'stopped' and 'stopped at BSG' or 'BSG could not stop it', ARGV[2])
  redis.call('ZADD', account_key(ARGV[1], 'live'), 'XX', NOW, id)
end
return { ARGV[3] }
