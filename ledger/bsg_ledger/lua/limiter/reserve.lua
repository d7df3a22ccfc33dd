#!lua flags=allow-oom
-- Takes the next slot of a limit, if it is near enough.
-- KEYS    the limit, the account's cool-down
-- ARGV    microseconds between requests, burst, longest wait, furthest slot that anybody takes (microseconds)
-- Return  {1, wait} when the slot was taken, or {0, wait} when nothing was (microseconds)
local limit, cool_down = unpack(KEYS)
local interval, burst, longest, furthest = unpack(ARGV)
local slot_at, arrival = next_slot(limit, cool_down, number(interval), number(burst), number(furthest))
local wait = slot_at - NOW_US
if wait > number(longest) then return { 0, wait } end  -- guard: slot-too-far
take_slot(limit, slot_at, arrival, number(interval))
return { 1, wait }
