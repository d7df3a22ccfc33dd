#!lua flags=allow-oom
-- Notes what an account has left, and what the messages that wait for it will cost.
-- ARGV  1 account, 2 balance and credit together, 3 currency, 4 cost of what is queued
-- Returns {noted}
-- Transition  none
-- guard: funds-beside-queue
redis.call('HSET', account_key(ARGV[1], 'funds'), 'available', ARGV[2], 'currency', ARGV[3], 'queued_cost', ARGV[4], 'at', NOW)
return { 'noted' }
