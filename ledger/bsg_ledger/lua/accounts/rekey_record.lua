#!lua flags=allow-oom
-- Moves a compacted campaign to another key of the same account at BSG.
local campaign, from, new_address, new_bsg_account, before, after = unpack(ARGV)
-- ARGV    from: the account of the old key; address of the new key; BSG's own account of the new key, by a digest ('':
--         not known); before, after: the record as it was read, and with the account of the new key
-- Return  {moved}, {in_use} if a process has the old key, {unproved} if nothing proves that both keys are of one account
--         at BSG, or {stale} if the record is another one by now
-- Transition  none
if redis.call('GET', record_key(campaign)) ~= before then return { 'stale' } end  -- guard: record-as-read
if key_in_use(from) then return { 'in_use' } end  -- guard: record-old-key-unused
local address, bsg_account = get(account_key(from, 'key'), 'address', 'bsg_account')
-- A key's account at BSG that is not known is not stored, and equals none.
-- guard: record-account-proved
if bsg_account ~= new_bsg_account or address ~= new_address then return { 'unproved' } end
redis.call('SET', record_key(campaign), after)
return { 'moved' }
