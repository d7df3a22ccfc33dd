#!lua flags=allow-oom
-- Notes that BSG says nothing of use about the campaign of a submitted batch, and asks an operator once it has not for
-- long enough.
-- ARGV  1 campaign, 2 batch, 3 BSG campaign id, 4 lost (BSG does not know the campaign that it named) or unread,
--       5 for how long that has to last before an operator is asked (ms), 6 cause, 7 next poll (ms)
-- Returns {submitted | needs_operator} or {stale}
-- Transition  none: the batch stays submitted, and a poll that reads the campaign asks nobody any more
local campaign, batch, why = ARGV[1], ARGV[2], ARGV[4]
local key = batch_key(campaign, batch)
local state, bsg_id, submitted_at, needs_operator = get(key, 'state', 'bsg_campaign_id', 'submitted_at', 'needs_operator')
if state ~= 'submitted' or bsg_id ~= ARGV[3] then return { 'stale' } end  -- guard: denied-is-submitted
redis.call('HSETNX', key, 'unread_at', NOW)
-- guard: denied-resets
if why == 'lost' then redis.call('HSETNX', key, 'lost_at', NOW) else redis.call('HDEL', key, 'lost_at') end
redis.call('ZADD', account_key(account_of(campaign), 'live'), 'XX', NOW + ARGV[7], batch_id(campaign, batch))
local since = math.max(number(redis.call('HGET', key, why .. '_at')), number(submitted_at))  -- guard: denied-not-new
if NOW - since < number(ARGV[5]) then return { needs_operator and 'needs_operator' or 'submitted' } end  -- guard: denied-for-long
if needs_operator ~= why then
  redis.call('HSET', key, 'error', ARGV[6])
  ask_operator(campaign, batch, state, why, ARGV[6])  -- guard: denied-asks-operator
end
return { 'needs_operator' }
