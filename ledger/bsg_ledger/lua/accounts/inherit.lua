#!lua flags=allow-oom
-- Copies the owners of BSG campaigns to another key of the same account at BSG, some at a time. All are copied before
-- the first campaign is moved, so that no look-up takes one of them for an orphan.
local old, new, bsg_account, cursor = unpack(ARGV)
-- ARGV    accounts of the old and of the new key; BSG's own account of the new key, by a digest; cursor: '0' at first
-- Return  {cursor}; '0' at the end, and if it is unknown or untrue that both keys are of one account at BSG
-- Transition  none
-- guard: inherit-same-account
if bsg_account == '' or redis.call('HGET', account_key(old, 'key'), 'bsg_account') ~= bsg_account then return { '0' } end
local next_cursor, found = unpack(redis.call('HSCAN', account_key(old, 'owners'), cursor, 'COUNT', 1000))
for i = 1, #found, 2 do redis.call('HSETNX', account_key(new, 'owners'), found[i], found[i + 1]) end
return { next_cursor }
