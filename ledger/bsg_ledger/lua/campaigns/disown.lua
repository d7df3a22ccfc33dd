#!lua flags=allow-oom
-- Forgets for an account which batches of a compacted campaign some campaigns at BSG belong to.
local campaign, account = unpack(ARGV, 1, 2)
local FIRST_BATCH = 3
-- ARGV    then (batch, BSG campaign)
-- Return  {disowned}
-- Transition  none
local owners = account_key(account, 'owners')
for i = FIRST_BATCH, #ARGV, 2 do
  -- guard: disown-own-only
  if redis.call('HGET', owners, ARGV[i + 1]) == batch_id(campaign, ARGV[i]) then redis.call('HDEL', owners, ARGV[i + 1]) end
end
return { 'disowned' }
