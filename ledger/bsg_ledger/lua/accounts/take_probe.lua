#!lua flags=allow-oom
-- Takes the next probe of a shut gate if it is due, and puts the one after it off.
local account, delay = unpack(ARGV)
-- ARGV    delay: until the next one (ms)
-- Return  {probe} or {wait}
-- Transition  none
local key = account_key(account, 'gate')
local state, probe_at = get(key, 'state', 'probe_at')
if state ~= 'shut' or number(probe_at) > NOW then return { 'wait' } end  -- guard: probe-when-due
redis.call('HSET', key, 'probe_at', NOW + delay)
return { 'probe' }
