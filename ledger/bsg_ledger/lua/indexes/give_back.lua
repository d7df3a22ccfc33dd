#!lua flags=allow-oom
-- Gives back what was taken from an index and not looked at: it is due at once. What has left stays away.
-- ARGV  1 account ('' for an index of the whole ledger), 2 index (as in due.lua), 3... the members
-- Returns {}
-- Transition  none
local index = index_key(ARGV[1], ARGV[2])
for i = 3, #ARGV do redis.call('ZADD', index, 'XX', NOW, ARGV[i]) end  -- guard: give-back-if-there
return {}
