#!lua flags=allow-oom
-- Ends a doubt: BSG does not have the batch. The batch waits again only within the window after the first intent, in
-- which BSG refuses a repeated reference id, or if ids that were used before explain the doubt. Otherwise it needs an
-- operator.
local campaign, batch, looked_for, window, delay, next_look, cause, sure = unpack(ARGV)
-- ARGV    looked_for: attempts that were; window: for duplicates, delay and next_look in milliseconds; sure: 1 if BSG
--         would surely show it
-- Return  {pending | cancelled | expired | needs_operator} or {stale}
-- Transition  unconfirmed -> pending, the doubt stays on record (rule 2); -> cancelled in a cancelled campaign,
--             which sends nothing again
local key = batch_key(campaign, batch)
local state, attempts, first_intent, explained = get(key, 'state', 'attempts', 'first_intent_at', 'explained')
if state ~= 'unconfirmed' or attempts ~= looked_for then return { 'stale' } end  -- guard: absence-of-attempt-in-doubt
-- The reason of the refusal was found, and there is no other trace: the doubt is over.
if explained == '1' then  -- guard: absence-explained
  redis.call('HDEL', key, 'doubt', 'explained', 'error')
  return { move_back(campaign, batch, NOW + delay, cause) }
end
local cancelled = redis.call('HGET', campaign_key(campaign), 'cancelled') == '1'
if cancelled or NOW - number(first_intent) + number(delay) < number(window) then  -- guard: absence-within-window
  return { move_back(campaign, batch, NOW + delay, cause) }
end
redis.call('ZADD', account_key(account_of(campaign), 'doubt'), NOW + next_look, batch_id(campaign, batch))
ask_operator(campaign, batch, state, 'doubt', cause, sure == '1')  -- guard: absence-asks-operator
return { 'needs_operator' }
