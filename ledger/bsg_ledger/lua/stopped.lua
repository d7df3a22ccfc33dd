#!lua flags=allow-oom
-- Records BSG's answer to a stop.
-- ARGV  1 account, 2 BSG campaign id, 3 stopped or cannot_stop
-- Answer  {stopped | cannot_stop}
-- Transition  the stop's row is done
local id = redis.call('HGET', account_key(ARGV[1], 'owners'), ARGV[2])
if redis.call('ZREM', account_key(ARGV[1], 'stops'), ARGV[2]) == 1 and id then
  local campaign, batch = string.match(id, '^(.*)-(%d+)$')
  local state = redis.call('HGET', batch_key(campaign, batch), 'state')
  record_event(campaign, batch, state, state, ARGV[3] == 'stopped' and 'stopped at BSG' or 'BSG could not stop it', ARGV[2])
  redis.call('ZADD', account_key(ARGV[1], 'live'), 'XX', NOW, id)
end
return { ARGV[3] }
