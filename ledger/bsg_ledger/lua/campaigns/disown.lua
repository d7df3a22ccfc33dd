#!lua flags=allow-oom
-- Forgets which batches of a compacted campaign some campaigns at BSG belonged to.
local campaign, account = unpack(ARGV, 1, 2)
local FIRST_BATCH = 3
-- ARGV    account: of the campaign; then (batch, BSG campaign)
-- Return  {disowned}
-- Transition  none
-- The owners may have been copied to another key of the account since.
local accounts = redis.call('ZRANGE', ACCOUNT_KEYS, 0, -1)
accounts[#accounts + 1] = account
for i = FIRST_BATCH, #ARGV, 2 do
  for _, one in ipairs(accounts) do
    local owners = account_key(one, 'owners')
    -- guard: disown-own-only
    if redis.call('HGET', owners, ARGV[i + 1]) == batch_id(campaign, ARGV[i]) then redis.call('HDEL', owners, ARGV[i + 1]) end
  end
end
return { 'disowned' }
