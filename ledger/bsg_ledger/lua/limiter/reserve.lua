#!lua flags=allow-oom
-- GCRA: the key holds the theoretical arrival time, the microsecond from which one more request fits the rate.
-- KEYS: the limit, the account's cool-down. ARGV: microseconds between requests, burst, longest wait, furthest wait.
-- Returns {1, wait} when a slot was taken, or {0, wait} when nothing was. All times are microseconds.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, burst, longest, furthest =
    tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local arrival = tonumber(redis.call('GET', KEYS[1]) or '0')
-- Nobody can have reserved further ahead than this, so the server's clock was set back: start afresh.
if arrival > now + furthest + burst * interval then
  arrival = now  -- guard: clock-set-back
end
local cooled = tonumber(redis.call('GET', KEYS[2]) or '0')
local start = math.max(now, cooled, arrival - (burst - 1) * interval)  -- guard: slot-start
local wait = start - now
if wait > longest then  -- guard: slot-too-far
  return {0, wait}
end
arrival = math.max(arrival, start) + interval  -- guard: slot-taken
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1000)
return {1, wait}
