#!lua flags=allow-oom
-- Gives back members that were taken from an index and not processed. They are due at once. Members that have left the
-- index are not added.
local account, name = unpack(ARGV, 1, 2)
local FIRST_MEMBER = 3
-- ARGV    as of due.lua; then the members
-- Return  {}
-- Transition  none
local index = index_key(account, name)
for i = FIRST_MEMBER, #ARGV do redis.call('ZADD', index, 'XX', NOW, ARGV[i]) end  -- guard: give-back-if-there
return {}
