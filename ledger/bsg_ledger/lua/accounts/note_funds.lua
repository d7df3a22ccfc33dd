#!lua flags=allow-oom
-- Notes what an account has left, and what the messages that wait for it will cost.
local account, available, currency, queued_cost = unpack(ARGV)
-- ARGV    available: balance and credit together; queued_cost: of what waits
-- Return  {noted}
-- Transition  none
-- guard: funds-beside-queue
redis.call('HSET', account_key(account, 'funds'), 'available', available, 'currency', currency, 'queued_cost', queued_cost, 'at', NOW)
return { 'noted' }
