#!lua flags=allow-oom
-- Records a request that BSG failed. Another failure within the quiet time belongs to the same spell.
local account, kind, cause, quiet = unpack(ARGV)
-- ARGV    quiet: in milliseconds
-- Return  {failures of the spell}
-- Transition  none
local key = account_key(account, 'failures')
local last = number(redis.call('HGET', key, kind .. ':last'))
-- guard: failures-after-quiet
if NOW - last > number(quiet) then redis.call('HSET', key, kind .. ':since', NOW, kind .. ':count', 0) end
redis.call('HSET', key, kind .. ':last', NOW, kind .. ':cause', cause)
redis.call('HINCRBY', key, kind .. ':total', 1)
return { redis.call('HINCRBY', key, kind .. ':count', 1) }
