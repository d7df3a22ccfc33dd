#!lua flags=allow-oom
-- Takes what is due in one of the rooms and puts it off, so that two who look at once share the work.
-- ARGV  1 account ('' for a room of the whole ledger), 2 room (due, doubt, live, stops; prepare, deadlines, unfinished),
--       3 how many at most, 4 how long to put off (ms)
-- Answer  the members
-- Transition  none
local room = room_key(ARGV[1], ARGV[2])
local due = redis.call('ZRANGEBYSCORE', room, '-inf', NOW, 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do redis.call('ZADD', room, NOW + ARGV[4], member) end  -- guard: due-is-postponed
return due
