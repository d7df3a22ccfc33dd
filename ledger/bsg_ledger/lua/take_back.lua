#!lua flags=allow-oom
-- Ends leases that ran out. What may have been on the wire is in doubt, never pending.
-- ARGV  1 account, 2 how many at most, 3 next look (ms)
-- Answer  the ids of the batches that were taken back
-- Transition  claimed -> pending; posting -> unconfirmed
local taken_back = redis.call('ZRANGEBYSCORE', account_key(ARGV[1], 'leases'), '-inf', NOW, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(taken_back) do
  local campaign, batch = string.match(id, '^(.*)-(%d+)$')
  if redis.call('HGET', batch_key(campaign, batch), 'state') == 'claimed' then
    move_back(campaign, batch, NOW, 'lease ran out')
  else
    to_doubt(campaign, batch, ARGV[3], 'lease ran out on the wire')
  end
end
return taken_back
