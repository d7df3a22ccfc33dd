#!lua flags=allow-oom
-- Gives back what was taken of one of the rooms and is to be looked at again. What has left stays away.
-- ARGV  1 account ('' for a room of the whole ledger), 2 room (as in due.lua), 3 in how long (ms), 4... the members
-- Answer  {}
-- Transition  none
local room = room_key(ARGV[1], ARGV[2])
for i = 4, #ARGV do redis.call('ZADD', room, 'XX', NOW + ARGV[3], ARGV[i]) end
return {}
