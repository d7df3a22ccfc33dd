#!lua flags=allow-oom
-- Records an account's funds, and the cost of its queue.
local account, available, currency, queued_cost = unpack(ARGV)
-- ARGV    available: balance and credit together; queued_cost: of what waits
-- Return  {noted}
-- Transition  none
-- guard: funds-beside-queue
redis.call('HSET', account_key(account, 'funds'), 'available', available, 'currency', currency, 'queued_cost', queued_cost, 'at', NOW)
return { 'noted' }
