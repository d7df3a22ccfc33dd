#!lua flags=allow-oom
-- Holds back all requests of an account. A cool-down is never shortened by a later one.
-- KEYS    the account's cool-down
-- ARGV    how long from now (microseconds)
-- Return  the remaining cool-down (microseconds)
local cool_down, wanted = KEYS[1], NOW_US + ARGV[1]
local current = number(redis.call('GET', cool_down))
if wanted > current then  -- guard: cool-down-not-shortened
  redis.call('SET', cool_down, string.format('%.0f', wanted), 'PX', math.ceil(ARGV[1] / 1000) + 1000)
  current = wanted
end
return current - NOW_US
