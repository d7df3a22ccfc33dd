#!lua flags=allow-oom
-- Gives back what was taken of one of the rooms and not looked at: it is due at once. What has left stays away.
-- ARGV  1 account ('' for a room of the whole ledger), 2 room (as in due.lua), 3... the members
-- Answer  {}
-- Transition  none
local room = room_key(ARGV[1], ARGV[2])
for i = 3, #ARGV do redis.call('ZADD', room, 'XX', NOW, ARGV[i]) end  -- guard: give-back-if-there
return {}
