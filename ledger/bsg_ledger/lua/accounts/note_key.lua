#!lua flags=allow-oom
-- Records that a process has an account's key now, and the account at BSG.
local account, name, address, bsg_account = unpack(ARGV)
-- ARGV    bsg_account: BSG's own account, by a digest ('': not known)
-- Return  {}
-- Transition  none
local key = account_key(account, 'key')
redis.call('HSET', key, 'name', name, 'address', address)
if bsg_account ~= '' then redis.call('HSET', key, 'bsg_account', bsg_account) end  -- guard: key-account-kept
redis.call('ZADD', ACCOUNT_KEYS, NOW, account)  -- guard: key-in-use
return {}
