#!lua flags=allow-oom
-- Gives back what was taken from an index and not looked at: it is due at once. What has left stays away.
local account, name = unpack(ARGV, 1, 2)
local FIRST_MEMBER = 3
-- ARGV    as of due.lua; then the members
-- Return  {}
-- Transition  none
local index = index_key(account, name)
for i = FIRST_MEMBER, #ARGV do redis.call('ZADD', index, 'XX', NOW, ARGV[i]) end  -- guard: give-back-if-there
return {}
