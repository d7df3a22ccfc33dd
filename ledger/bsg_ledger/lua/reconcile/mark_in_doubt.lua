#!lua flags=allow-oom
-- Puts a waiting batch in doubt: BSG has a trace of it, although this ledger never sent it.
local campaign, batch, looked_at, account, cause, next_look = unpack(ARGV)
-- ARGV    looked_at: attempts at the time of the finding; next_look: in milliseconds
-- Return  {unconfirmed} or {stale}
-- Transition  pending -> unconfirmed
local key = batch_key(campaign, batch)
local state, attempts = get(key, 'state', 'attempts')
if state ~= 'pending' or attempts ~= looked_at then return { 'stale' } end  -- guard: suspect-waiting-attempt
assign_account(campaign, account)  -- guard: suspect-gets-account
-- The batch was sent after the campaign was accepted. This ledger has no exact time.
redis.call('HSET', key, 'first_intent_at', redis.call('HGET', campaign_key(campaign), 'accepted_at'), 'intent_at', NOW,
  'error', cause)
-- A refusal of this ledger's attempt does not explain an unknown one.
redis.call('HDEL', key, 'suspects')  -- guard: suspect-forgets-suspects
to_doubt(campaign, batch, next_look, cause)
return { 'unconfirmed' }
