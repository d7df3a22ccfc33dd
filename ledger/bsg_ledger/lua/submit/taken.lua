#!lua flags=allow-oom
-- Records a BSG campaign id for a batch, from any source and in any state (rule 3).
local campaign, batch, from_account, bsg_campaign_id, status, next_poll,
  cause, price, currency, token = unpack(ARGV, 1, 10)
local FIRST_OTHER = 11
-- ARGV    from_account: the reporting account; status: at BSG; next_poll: in milliseconds; token: of the attempt whose
--         response has the id ('' if a look-up or an operator reports it); then further BSG campaigns of the batch, in
--         the same step, because a batch with a campaign is not looked up again
-- Return  {submitted | known | second}, {owned, batch} if every id belongs to another batch, or {gone} if the ledger
--         does not know the batch: purged, or gone back to an older copy
-- Transition  any state but submitted and finished -> submitted; a second id is recorded, stopped and an alarm; that of
--             a batch which is gone is an alarm, and brings nothing of the batch back; half_open -> open of the gate, if this
--             is the response to its trial
local key = batch_key(campaign, batch)
-- The campaign may have been moved to another key of the same account at BSG during the request.
local assigned = owner_of(campaign)
local account = assigned and assigned ~= '' and assigned or from_account  -- guard: taken-after-rekey
-- Do not create a partial record, and do not ask BSG to stop: after a rollback of the ledger, the messages may have
-- been accepted. A compacted campaign does not change any more.
if redis.call('EXISTS', key) == 0 or not assigned then  -- guard: taken-of-known-batch
  local owner = redis.call('HGET', account_key(account, 'owners'), bsg_campaign_id)
  if owner == batch_id(campaign, batch) then return { 'known' } end  -- guard: taken-known-when-compacted
  redis.call('HINCRBY', LEDGER, 'alarms', 1)
  return { 'gone' }
end
local function record(bsg_id)
  local state, first = get(key, 'state', 'bsg_campaign_id')
  if first == bsg_id then return { 'known' } end  -- guard: taken-once
  local owner = redis.call('HGET', account_key(account, 'owners'), bsg_id)
  if owner and owner ~= batch_id(campaign, batch) then return { 'owned', owner } end  -- guard: taken-by-its-owner
  assign_account(campaign, account)
  redis.call('HSET', account_key(account, 'owners'), bsg_id, batch_id(campaign, batch))  -- guard: owner-recorded
  if first then
    if not add_other(campaign, batch, bsg_id) then return { 'known' } end  -- guard: second-id-recorded
    redis.call('HINCRBY', LEDGER, 'alarms', 1)  -- guard: second-id-alarm
    order_stop(campaign, batch, account, bsg_id)  -- guard: second-id-stopped
    record_event(campaign, batch, state, state, 'ALARM: a second BSG campaign', bsg_id)
    return { 'second' }
  end
  redis.call('HSET', key, 'bsg_campaign_id', bsg_id, 'submitted_at', NOW)
  note_status(campaign, batch, status)
  note_price(campaign, batch, price, currency)
  redis.call('HDEL', key, 'error')
  -- The response is to an attempt of a ledger that went back: the batch may have changed since.
  -- guard: late-response-keeps-doubt
  if token ~= '' and not held(campaign, batch, token) then redis.call('HSET', key, 'doubt', '1') end
  move(campaign, batch, 'submitted', NOW + next_poll, cause, bsg_id)
  if redis.call('HGET', campaign_key(campaign), 'cancelled') == '1' then  -- guard: late-id-of-cancelled-stopped
    order_stop(campaign, batch, account, bsg_id)
  end
  return { 'submitted' }
end

local recorded = record(bsg_campaign_id)
for i = FIRST_OTHER, #ARGV do  -- guard: all-ids-recorded
  local another = record(ARGV[i])
  if recorded[1] == 'owned' then recorded = another end
end
-- A look-up does not show whether BSG responds to requests to send.
if token ~= '' and recorded[1] ~= 'owned' then  -- guard: taken-responds-to-trial
  local doubts, tried_balance, state = get(account_key(from_account, 'gate'), 'doubts', 'tried_balance', 'state')
  if number(doubts) > 0 then redis.call('HSET', account_key(from_account, 'gate'), 'doubts', 0) end  -- guard: taken-ends-doubts
  if tried_balance then redis.call('HDEL', account_key(from_account, 'gate'), 'tried_balance') end  -- guard: taken-frees-balance
  if state == 'half_open' then trial_has_response(from_account, campaign, batch, token) end
end
return recorded
