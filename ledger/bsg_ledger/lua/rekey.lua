#!lua flags=allow-oom
-- Moves a campaign from the account of one key to that of another of the same name. A look-up under a key shows only
-- what its own account at BSG has. So a campaign moves as a whole where BSG says that both keys are of one account,
-- and else only if the old key's account never had, and cannot have, anything of it.
-- ARGV  1 campaign, 2 account of the old key, 3 account of the new key, 4 name of both, 5 address of the new key,
--       6 BSG's own account of the new key, by a digest ('': not known), 7 who moves it: operator, or worker
-- Answer  {moved}, {begun, batch, ...} with batches that BSG has or may have for the old key, {in_use} if a process
--         has the old key, {unproved} for a worker, {elsewhere} if the old key was for another address, {went_back}
--         if the ledger went back and the old key's account was not looked up since, {stale} if the campaign is not
--         of that account and name
-- Transition  none of batches
local campaign, from, to = ARGV[1], ARGV[2], ARGV[3]
local key = campaign_key(campaign)
local owner, named, batches = get(key, 'account', 'account_name', 'next_batch')
if owner ~= from or from == to or named ~= ARGV[4] then return { 'stale' } end  -- guard: rekey-once
local address, bsg_account = get(account_key(from, 'key'), 'address', 'bsg_account')
local one_account = ARGV[6] ~= '' and bsg_account == ARGV[6] and address == ARGV[5]  -- guard: rekey-account-proved

-- It goes on under that key; and while workers are restarted, those of both keys would move it to and fro.
if key_in_use(from) then return { 'in_use' } end  -- guard: rekey-old-key-unused
if ARGV[7] == 'worker' and not one_account then return { 'unproved' } end  -- guard: rekey-worker-with-proof
-- What was enqueued for a sandbox never reaches people.
if address and address ~= ARGV[5] then return { 'elsewhere' } end  -- guard: rekey-same-address

local reason = gate_shut(from) and redis.call('HGET', account_key(from, 'gate'), 'reason')
if not one_account then
  -- An older copy knows nothing of what was sent after it.
  if reason == 'ledger_went_back' then return { 'went_back' } end  -- guard: rekey-no-rollback
  local begun = { 'begun' }
  for batch = 0, number(batches) - 1 do
    local state, doubt, bsg_id, others = get(batch_key(campaign, batch), 'state', 'doubt', 'bsg_campaign_id',
      'other_bsg_campaign_ids')
    -- guard: rekey-unsent
    if state == 'posting' or doubt == '1' or bsg_id or others then begun[#begun + 1] = batch_id(campaign, batch) end
  end
  if #begun > 1 then return begun end
end

-- What only an operator opens stays shut for the new key.
-- guard: rekey-gate-stays-shut
if PERMANENT[reason] then shut_gate(to, reason, redis.call('HGET', account_key(from, 'gate'), 'by') or '') end

local function carry(index, member)
  local score = redis.call('ZSCORE', account_key(from, index), member)
  if not score then return end
  redis.call('ZREM', account_key(from, index), member)
  redis.call('ZADD', account_key(to, index), score, member)
end

for batch = 0, number(batches) - 1 do
  local id = batch_id(campaign, batch)
  local state, bsg_id, others = get(batch_key(campaign, batch), 'state', 'bsg_campaign_id', 'other_bsg_campaign_ids')
  if INDEX_OF[state] then carry(INDEX_OF[state], id) end  -- guard: rekey-due-indexes
  carry('needs-operator', id)  -- guard: rekey-questions
  for _, index in pairs(HELD_AT_BSG) do carry(index, id) end  -- guard: rekey-moves-submitted
  for one in string.gmatch((bsg_id or '') .. ',' .. (others or ''), '%d+') do
    redis.call('HDEL', account_key(from, 'owners'), one)
    redis.call('HSETNX', account_key(to, 'owners'), one, id)  -- guard: rekey-owners
    carry('stops', one)  -- guard: rekey-stops
    forget_refusals(from, one)
  end
end
for _, index in ipairs({ 'sendable', 'preparable', 'due' }) do redis.call('ZREM', account_key(from, index), campaign) end
redis.call('HSET', key, 'account', to)
redis.call('HDEL', key, 'pass', 'joined') -- the virtual time of another account
refresh_ready(campaign)
record_event(campaign, '', '', 'moved to another key', ARGV[7], one_account and 'of the same account at BSG' or '')
return { 'moved' }
