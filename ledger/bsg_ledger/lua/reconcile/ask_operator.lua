#!lua flags=allow-oom
-- Asks an operator where a trace at BSG fits neither yes nor no, once the doubt is old enough for BSG to show all that
-- it has.
-- ARGV  1 campaign, 2 batch, 3 attempts that the finding speaks of, 4 age from which an operator is asked (ms), 5 cause
-- Returns {unconfirmed | needs_operator} or {stale}
-- Transition  none: the batch stays unconfirmed
local campaign, batch = ARGV[1], ARGV[2]
local key = batch_key(campaign, batch)
local state, attempts, intent_at, needs_operator = get(key, 'state', 'attempts', 'intent_at', 'needs_operator')
if state ~= 'unconfirmed' or attempts ~= ARGV[3] then return { 'stale' } end  -- guard: ask-of-attempt-in-doubt
if not needs_operator and NOW - number(intent_at) < number(ARGV[4]) then return { 'unconfirmed' } end  -- guard: ask-when-old
ask_operator(campaign, batch, state, 'doubt', ARGV[5])
return { 'needs_operator' }
