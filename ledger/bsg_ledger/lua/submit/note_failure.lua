#!lua flags=allow-oom
-- Notes a request that BSG failed. What fails again within the quiet time belongs to the same spell.
-- ARGV  1 account, 2 kind, 3 cause, 4 quiet time (ms)
-- Returns {failures of the spell}
-- Transition  none
local key, kind = account_key(ARGV[1], 'failures'), ARGV[2]
local last = number(redis.call('HGET', key, kind .. ':last'))
-- guard: failures-after-quiet
if NOW - last > number(ARGV[4]) then redis.call('HSET', key, kind .. ':since', NOW, kind .. ':count', 0) end
redis.call('HSET', key, kind .. ':last', NOW, kind .. ':cause', ARGV[3])
redis.call('HINCRBY', key, kind .. ':total', 1)
return { redis.call('HINCRBY', key, kind .. ':count', 1) }
