#!lua flags=allow-oom
-- Asks for a person where BSG does not know the campaign that it named, once that is long enough ago to be shown.
-- ARGV  1 campaign, 2 batch, 3 BSG campaign id, 4 age from which a person is asked (ms), 5 cause
-- Answer  {submitted | asks} or {stale}
-- Transition  none: the batch stays submitted, and a poll that finds the campaign asks nobody any more
local campaign, batch = ARGV[1], ARGV[2]
local key = batch_key(campaign, batch)
local state, bsg_id, submitted_at, asks = get(key, 'state', 'bsg_campaign_id', 'submitted_at', 'asks')
if state ~= 'submitted' or bsg_id ~= ARGV[3] then return { 'stale' } end
if asks == '1' then return { 'asks' } end
if NOW - number(submitted_at) < number(ARGV[4]) then return { 'submitted' } end
redis.call('HSET', key, 'error', ARGV[5])
ask_person(campaign, batch, state, ARGV[5])
return { 'asks' }
