#!lua flags=allow-oom
-- Returns how far off the next slot of a limit is, and the end of the account's cool-down.
-- KEYS    the limit, the account's cool-down
-- ARGV    microseconds between requests, burst, furthest slot that anybody takes (microseconds)
-- Return  {wait for the slot, wait for the end of the cool-down} (microseconds)
local limit, cool_down = unpack(KEYS)
local interval, burst, furthest = unpack(ARGV)
local slot_at = next_slot(limit, cool_down, number(interval), number(burst), number(furthest))
return { slot_at - NOW_US, math.max(0, number(redis.call('GET', cool_down)) - NOW_US) }
