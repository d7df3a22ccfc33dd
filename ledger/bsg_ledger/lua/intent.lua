#!lua flags=allow-oom
-- Writes down that the request may be on the wire from now on. Nothing leaves before this is on disk.
-- ARGV  1 campaign, 2 batch, 3 token, 4 account, 5 lease (ms), 6 note for the event,
--       7 duplicate window (ms), 8 next look (ms), 9 rollback detector ('' for none), 10 sequence that it has seen,
--       11 suppressions that its messages were held against, 12... accounts whose gates a ledger that went back shuts
-- Answer  {posting, attempts, first intent (ms), sequence now}, {pending, why}, {cancelled}, {expired}, {unconfirmed}
--         or {stale}
-- Transition  claimed -> posting (or back, if the campaign or the gate has been closed, or somebody suppressed, meanwhile; -> unconfirmed if an
--             earlier attempt is in doubt and BSG can no longer be trusted to know its reference ids)
local campaign, batch = ARGV[1], ARGV[2]
-- Here and not only at the watch: between two looks of the watch a batch that was sent may be pending again.
for i = 12, went_back(ARGV[9], ARGV[10]) and #ARGV or 0 do  -- guard: intent-rollback
  shut_gate(ARGV[i], 'ledger_went_back', 'a process that saw event ' .. ARGV[10])
end
local key = batch_key(campaign, batch)
-- guard: intent-lease
if not held(campaign, batch, 'claimed', ARGV[3]) or number(redis.call('HGET', key, 'lease_until')) <= NOW then return { 'stale' } end
local account, paused, cancelled, deadline = get(campaign_key(campaign), 'account', 'paused', 'cancelled', 'deadline')
-- guard: intent-allowed
local closed = (account ~= ARGV[4] and 'another account') or (paused == '1' and 'paused') or (gate_shut(account) and 'gate shut')
  -- guard: intent-half-open
  or (gate_half_open(account) and not has_trial(account, campaign, batch, ARGV[3]) and 'gate half open')
  or (suppressions() ~= number(ARGV[11]) and 'suppressed phones have changed')  -- guard: intent-suppressions
if closed or cancelled == '1' or number(deadline) <= NOW then  -- guard: intent-not-over
  return { move_back(campaign, batch, NOW, closed or 'not sent'), closed or '' }
end
-- guard: duplicate-window
if in_doubt(campaign, batch) and NOW - number(redis.call('HGET', key, 'first_intent_at')) >= number(ARGV[7]) then
  to_doubt(campaign, batch, ARGV[8], 'too late to be sent again by itself')
  return { 'unconfirmed' }
end
if ARGV[11] ~= '0' then redis.call('HSET', key, 'suppressions', ARGV[11]) end
local attempts = redis.call('HINCRBY', key, 'attempts', 1)  -- guard: attempts-counted
-- Only attempts in doubt can have been taken: the first of those is what a trace at BSG cannot be older than.
-- guard: window-from-first-doubt
if not in_doubt(campaign, batch) then redis.call('HSET', key, 'first_intent_at', NOW) end
redis.call('HSET', key, 'intent_at', NOW, 'lease_until', NOW + ARGV[5])
move(campaign, batch, 'posting', NOW + ARGV[5], 'intent', ARGV[6])  -- guard: lease-renewed-by-intent
-- guard: intent-leaves-mark
return { 'posting', attempts, number(redis.call('HGET', key, 'first_intent_at')), save_high_water_mark(ARGV[9]) }
