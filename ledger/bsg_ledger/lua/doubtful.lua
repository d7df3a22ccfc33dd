#!lua flags=allow-oom
-- Records an outcome that says neither yes nor no; several in a row shut the gate.
-- ARGV  1 campaign, 2 batch, 3 token, 4 account, 5 cause, 6 next look (ms), 7 doubts in a row that shut the gate
-- Answer  {unconfirmed} or {stale}
-- Transition  posting -> unconfirmed
local campaign, batch = ARGV[1], ARGV[2]
if not held(campaign, batch, 'posting', ARGV[3]) then return { 'stale' } end
redis.call('HSET', batch_key(campaign, batch), 'error', ARGV[5])
to_doubt(campaign, batch, ARGV[6], ARGV[5])
if redis.call('HINCRBY', account_key(ARGV[4], 'gate'), 'doubts', 1) >= number(ARGV[7]) then
  shut_gate(ARGV[4], 'doubts', batch_id(campaign, batch))
end
return { 'unconfirmed' }
