#!lua flags=allow-oom
-- Postpones members that were taken from an index while they are processed, or gives them back: with a delay of 0 they are
-- due at once. Members that have left the index are not added. A delay makes none due earlier than it is.
local account, name, delay = unpack(ARGV, 1, 3)
local FIRST_MEMBER = 4
-- ARGV    as of due.lua; delay: in milliseconds; then the members
-- Return  {}
-- Transition  none
local index = index_key(account, name)
local direction = number(delay) > 0 and 'GT' or 'LT'
for i = FIRST_MEMBER, #ARGV do
  redis.call('ZADD', index, 'XX', direction, NOW + number(delay), ARGV[i])  -- guard: postponed-if-there
end
return {}
