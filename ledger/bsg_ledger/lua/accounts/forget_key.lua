#!lua flags=allow-oom
-- Forgets that an account's key was ever seen, unless a process has it still.
local account = unpack(ARGV)
-- Return  {}
-- Transition  none
if not key_in_use(account) then redis.call('ZREM', ACCOUNT_KEYS, account) end  -- guard: forget-unused-key
return {}
