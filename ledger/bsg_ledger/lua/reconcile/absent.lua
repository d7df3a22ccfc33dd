#!lua flags=allow-oom
-- Ends a doubt: BSG surely does not have the batch. By itself only within the window of the first intent, for
-- which BSG can be trusted to refuse a reference id twice, or if the doubt was a no for ids that were used before;
-- else it needs an operator.
-- ARGV  1 campaign, 2 batch, 3 attempts that were looked for, 4 duplicate window (ms), 5 delay (ms),
--       6 next look (ms), 7 cause, 8 1 if BSG would surely show it
-- Returns {pending | cancelled | expired | needs_operator} or {stale}
-- Transition  unconfirmed -> pending, the doubt stays on record (rule 2); -> cancelled in a cancelled campaign,
--             which sends nothing again
local campaign, batch = ARGV[1], ARGV[2]
local key = batch_key(campaign, batch)
local state, attempts, first_intent, explained = get(key, 'state', 'attempts', 'first_intent_at', 'explained')
if state ~= 'unconfirmed' or attempts ~= ARGV[3] then return { 'stale' } end  -- guard: absence-of-attempt-in-doubt
-- A no whose reason was found, and no trace besides: that doubt is over.
if explained == '1' then  -- guard: absence-explained
  redis.call('HDEL', key, 'doubt', 'explained', 'error')
  return { move_back(campaign, batch, NOW + ARGV[5], ARGV[7]) }
end
local cancelled = redis.call('HGET', campaign_key(campaign), 'cancelled') == '1'
if cancelled or NOW - number(first_intent) + number(ARGV[5]) < number(ARGV[4]) then  -- guard: absence-within-window
  return { move_back(campaign, batch, NOW + ARGV[5], ARGV[7]) }
end
redis.call('ZADD', account_key(account_of(campaign), 'doubt'), NOW + ARGV[6], batch_id(campaign, batch))
ask_operator(campaign, batch, state, 'doubt', ARGV[7], ARGV[8] == '1')  -- guard: absence-asks-operator
return { 'needs_operator' }
