#!lua flags=allow-oom
-- Withdraws an intent whose dispatch reply was lost, so that its worker does not know the batch.
local account, token, delay, cause, next_look = unpack(ARGV)
-- ARGV    delay, next_look in milliseconds
-- Return  {pending | cancelled | expired | unconfirmed, batch} or {stale}
-- Transition  posting -> as in withdraw.lua. There are as many leases as requests may be on the wire
for _, id in ipairs(redis.call('ZREVRANGE', account_key(account, 'leases'), 0, -1)) do
  local campaign, batch = string.match(id, '^(.*)-(%d+)$')
  -- guard: withdraw-lost-fence
  if held(campaign, batch, token) then return { withdraw(campaign, batch, delay, cause, next_look), id } end
end
return { 'stale' }
