#!lua flags=allow-oom
-- Notes the balance that an account with a shut gate had.
local account, balance = unpack(ARGV)
-- ARGV    balance: as BSG writes it
-- Return  {noted}
-- Transition  none
redis.call('HSET', account_key(account, 'gate'), 'balance', balance)
return { 'noted' }
