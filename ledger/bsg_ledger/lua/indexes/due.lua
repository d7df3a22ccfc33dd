#!lua flags=allow-oom
-- Takes what is due in an index and puts it off: two callers at once share the work.
-- ARGV  1 account ('' for an index of the whole ledger), 2 index (doubt, live, stops; deadlines, unfinished),
--       3 how many at most, 4 how long to put off (ms)
-- Returns the members
-- Transition  none
local index = index_key(ARGV[1], ARGV[2])
local due = redis.call('ZRANGEBYSCORE', index, '-inf', NOW, 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do redis.call('ZADD', index, NOW + ARGV[4], member) end  -- guard: due-is-postponed
return due
