#!lua flags=allow-oom
-- Tells an account which BSG campaigns those of another key of the same account at BSG are: some of them at a time, all
-- before the first campaign is moved, so that no look-up takes one of them for an orphan.
-- ARGV  1 account of the old key, 2 account of the new key, 3 BSG's own account of the new key, by a digest,
--       4 cursor ('0' at first)
-- Returns {cursor}, '0' at the end, and where the old key was of another account at BSG or nobody knows
-- Transition  none
-- guard: inherit-same-account
if ARGV[3] == '' or redis.call('HGET', account_key(ARGV[1], 'key'), 'bsg_account') ~= ARGV[3] then return { '0' } end
local cursor, found = unpack(redis.call('HSCAN', account_key(ARGV[1], 'owners'), ARGV[4], 'COUNT', 1000))
for i = 1, #found, 2 do redis.call('HSETNX', account_key(ARGV[2], 'owners'), found[i], found[i + 1]) end
return { cursor }
