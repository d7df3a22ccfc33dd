#!lua flags=allow-oom
-- KEYS: the limit, the account's cool-down. ARGV: microseconds between requests, burst.
-- Returns the microseconds until the next free slot, and until the cool-down ends.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local arrival = tonumber(redis.call('GET', KEYS[1]) or '0')
local cooled = tonumber(redis.call('GET', KEYS[2]) or '0')
local start = math.max(now, cooled, arrival - (tonumber(ARGV[2]) - 1) * tonumber(ARGV[1]))
return {start - now, math.max(0, cooled - now)}
