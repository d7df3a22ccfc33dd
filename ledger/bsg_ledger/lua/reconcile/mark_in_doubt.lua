#!lua flags=allow-oom
-- Puts a waiting batch in doubt: BSG has a trace of it, though this ledger never sent it.
-- ARGV  1 campaign, 2 batch, 3 attempts that the finding speaks of, 4 account, 5 cause, 6 next look (ms)
-- Returns {unconfirmed} or {stale}
-- Transition  pending -> unconfirmed
local campaign, batch = ARGV[1], ARGV[2]
local key = batch_key(campaign, batch)
local state, attempts = get(key, 'state', 'attempts')
if state ~= 'pending' or attempts ~= ARGV[3] then return { 'stale' } end  -- guard: suspect-waiting-attempt
assign_account(campaign, ARGV[4])  -- guard: suspect-gets-account
-- Whoever sent it did so after the campaign was accepted; nothing of this ledger says when.
redis.call('HSET', key, 'first_intent_at', redis.call('HGET', campaign_key(campaign), 'accepted_at'), 'intent_at', NOW,
  'error', ARGV[5])
-- What BSG said against an attempt of ours explains nothing of somebody else's.
redis.call('HDEL', key, 'suspects')  -- guard: suspect-forgets-suspects
to_doubt(campaign, batch, ARGV[6], ARGV[5])
return { 'unconfirmed' }
