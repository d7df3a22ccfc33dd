#!lua flags=allow-oom
-- KEYS: the account's cool-down. ARGV: microseconds from now. A cool-down is never shortened by a later one.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local current = tonumber(redis.call('GET', KEYS[1]) or '0')
local wanted = now + tonumber(ARGV[1])
if wanted > current then  -- guard: cool-down-not-shortened
  redis.call('SET', KEYS[1], string.format('%.0f', wanted), 'PX', math.ceil(tonumber(ARGV[1]) / 1000) + 1000)
  current = wanted
end
return current - now
