#!lua flags=allow-oom
-- Moves a campaign to another key of the same account name. A look-up with a key shows only its own account at BSG. So
-- a campaign moves if BSG confirms that both keys are of one account. Otherwise it moves only if the old key's account
-- never had, and cannot have, any of its batches. `rekey_some` moves the batches.
local campaign, from, to, name, new_address, new_bsg_account, by, unsent_at = unpack(ARGV)
-- ARGV    accounts of the old and of the new key; name of both; address of the new key; BSG's own account of the new
--         key, by a digest ('': not known); by: operator, or worker; unsent_at: the campaign's last event when somebody
--         read that BSG neither has nor may have any of its batches for the old key ('': nobody has)
-- Return  {moved}, {unread} if unsent_at is needed and is not its last event, {unfinished} if an earlier move has steps
--         left, {in_use} if a process has the old key, {unproved} for a worker, {elsewhere} if the old key was for another
--         address, {went_back} if the ledger went back and the old key's account was not looked up since, {stale} if the
--         campaign is not of that account and name
-- Transition  none of batches
local key = campaign_key(campaign)
local owner, named, carry_from = get(key, 'account', 'account_name', 'carry_from')
if owner ~= from or from == to or named ~= name then return { 'stale' } end  -- guard: rekey-once
if carry_from then return { 'unfinished' } end  -- guard: rekey-after-rekey
local address, bsg_account = get(account_key(from, 'key'), 'address', 'bsg_account')
-- guard: rekey-account-proved
local one_account = new_bsg_account ~= '' and bsg_account == new_bsg_account and address == new_address

-- A campaign stays with a key in use. Otherwise, while workers restart, workers of both keys would move it to and fro.
if key_in_use(from) then return { 'in_use' } end  -- guard: rekey-old-key-unused
if by == 'worker' and not one_account then return { 'unproved' } end  -- guard: rekey-worker-with-proof
-- A campaign that was enqueued for a sandbox must never reach people.
if address and address ~= new_address then return { 'elsewhere' } end  -- guard: rekey-same-address

local reason = gate_shut(from) and redis.call('HGET', account_key(from, 'gate'), 'reason')
if not one_account then
  -- An older copy lacks what was sent after it.
  if reason == 'ledger_went_back' then return { 'went_back' } end  -- guard: rekey-no-rollback
  -- Each transition is an event. If the last event is the same, no batch has been sent since.
  local last = redis.call('XREVRANGE', key .. ':events', '+', '-', 'COUNT', 1)[1]
  if (last and last[1] or '0') ~= unsent_at then return { 'unread' } end  -- guard: rekey-unsent
end

-- A gate that only an operator opens stays shut for the new key.
-- guard: rekey-gate-stays-shut
if PERMANENT[reason] then shut_gate(to, reason, redis.call('HGET', account_key(from, 'gate'), 'by') or '') end

for _, index in ipairs({ 'sendable', 'preparable', 'due' }) do redis.call('ZREM', account_key(from, index), campaign) end
redis.call('HSET', key, 'account', to)
redis.call('HSET', key, 'carry_account', from, 'carry_from', 0)  -- guard: rekey-carries
redis.call('HDEL', key, 'pass', 'joined') -- the virtual time of another account
refresh_ready(campaign)
refresh_unfinished(campaign)  -- guard: rekey-is-finished
record_event(campaign, '', '', 'rekeyed', by, one_account and 'of the same account at BSG' or '')
return { 'moved' }
