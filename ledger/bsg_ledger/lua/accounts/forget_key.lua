#!lua flags=allow-oom
-- Forgets that an account's key was ever seen, unless a process has it still.
-- ARGV  1 account
-- Returns {}
-- Transition  none
if not key_in_use(ARGV[1]) then redis.call('ZREM', ACCOUNT_KEYS, ARGV[1]) end  -- guard: forget-unused-key
return {}
