#!lua flags=allow-oom
-- Takes due members of an index and postpones them, so that concurrent callers share the work.
local account, name, at_most, delay = unpack(ARGV)
-- ARGV    account: '' for an index of the whole ledger; name: doubt, live, stops, deadlines, collecting or unfinished; delay: for
--         how long they are put off (ms)
-- Return  the members
-- Transition  none
local index = index_key(account, name)
local due = redis.call('ZRANGEBYSCORE', index, '-inf', NOW, 'LIMIT', 0, at_most)
local postponed = {}
for i, member in ipairs(due) do postponed[2 * i - 1], postponed[2 * i] = NOW + delay, member end
add_all(index, 'XX', postponed)  -- guard: due-is-postponed
return due
