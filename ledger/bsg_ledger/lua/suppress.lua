#!lua flags=allow-oom
-- Puts phones on the list of those that are never sent to, or takes them off.
-- ARGV  1 add or remove, 2... phones (digits)
-- Answer  {how many were changed}
-- Transition  none of a campaign: what has not left is held against the list again before it does
local command = ARGV[1] == 'add' and 'SADD' or 'SREM'
local changed = redis.call(command, 'bsg:suppressed', unpack(ARGV, 2))
if changed > 0 then redis.call('HINCRBY', 'bsg:ledger', 'suppressions', 1) end
return { changed }
