#!lua flags=allow-oom
-- Asks an operator if a trace at BSG does not decide a doubt, once the doubt is old enough for BSG to show everything.
local campaign, batch, looked_at, old_after, cause = unpack(ARGV)
-- ARGV    looked_at: attempts at the time of the finding; old_after: age from which an operator is asked (ms)
-- Return  {unconfirmed | needs_operator} or {stale}
-- Transition  none: the batch stays unconfirmed
local key = batch_key(campaign, batch)
local state, attempts, intent_at, needs_operator = get(key, 'state', 'attempts', 'intent_at', 'needs_operator')
if state ~= 'unconfirmed' or attempts ~= looked_at then return { 'stale' } end  -- guard: ask-of-attempt-in-doubt
if not needs_operator and NOW - number(intent_at) < number(old_after) then return { 'unconfirmed' } end  -- guard: ask-when-old
ask_operator(campaign, batch, state, 'doubt', cause)
return { 'needs_operator' }
