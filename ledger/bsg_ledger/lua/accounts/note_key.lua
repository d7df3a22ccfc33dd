#!lua flags=allow-oom
-- Notes that a process has an account's key now, and whose it is.
-- ARGV  1 account, 2 its name, 3 its address, 4 BSG's own account, by a digest ('': not known)
-- Returns {}
-- Transition  none
local key = account_key(ARGV[1], 'key')
redis.call('HSET', key, 'name', ARGV[2], 'address', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', key, 'bsg_account', ARGV[4]) end  -- guard: key-account-kept
redis.call('ZADD', ACCOUNT_KEYS, NOW, ARGV[1])  -- guard: key-in-use
return {}
