#!lua flags=allow-oom
-- Ends some expired leases. A batch that may have been on the wire is in doubt, never pending. It has waited for a whole
-- lease, so it may be looked up at once.
local account, most = unpack(ARGV)
-- ARGV    most: leases at most
-- Return  the ids of the batches that were taken back
-- Transition  posting -> unconfirmed; half_open -> shut of the gate, if its trial was on the wire
-- guard: lease-over
local taken_back = redis.call('ZRANGEBYSCORE', account_key(account, 'leases'), '-inf', NOW, 'LIMIT', 0, most)
for _, id in ipairs(taken_back) do
  local campaign, batch = string.match(id, '^(.*)-(%d+)$')
  local state, token = get(batch_key(campaign, batch), 'state', 'token')
  if state == 'posting' then  -- guard: lease-lost-on-wire
    -- A refusal of an earlier attempt does not explain this one.
    redis.call('HDEL', batch_key(campaign, batch), 'suspects')  -- guard: lost-lease-forgets-suspects
    trial_without_response(account, campaign, batch, token or '')  -- guard: lost-lease-ends-trial
    to_doubt(campaign, batch, 0, 'lease ran out on the wire')
  else
    -- An entry without its batch would fail every sweep.
    redis.call('ZREM', account_key(account, 'leases'), id)  -- guard: lease-of-no-batch
  end
end
return taken_back
