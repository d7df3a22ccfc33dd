#!lua flags=allow-oom
-- Records that BSG's response about the campaign of a submitted batch is unusable. After long enough, asks an operator.
local campaign, batch, read_id, why, asked_after, cause, next_poll = unpack(ARGV)
-- ARGV    read_id: the BSG campaign that was read; why: lost (BSG does not know the campaign that it named) or unread;
--         asked_after: how long that has to last before an operator is asked; times in milliseconds
-- Return  {submitted | needs_operator} or {stale}
-- Transition  none: the batch stays submitted, and a poll that reads the campaign asks nobody any more
local key = batch_key(campaign, batch)
local state, bsg_id, submitted_at, needs_operator = get(key, 'state', 'bsg_campaign_id', 'submitted_at', 'needs_operator')
if state ~= 'submitted' or bsg_id ~= read_id then return { 'stale' } end  -- guard: denied-is-submitted
redis.call('HSETNX', key, 'unread_at', NOW)
-- guard: denied-resets
if why == 'lost' then redis.call('HSETNX', key, 'lost_at', NOW) else redis.call('HDEL', key, 'lost_at') end
redis.call('ZADD', account_key(account_of(campaign), 'live'), 'XX', NOW + next_poll, batch_id(campaign, batch))
local since = math.max(number(redis.call('HGET', key, why .. '_at')), number(submitted_at))  -- guard: denied-not-new
if NOW - since < number(asked_after) then return { needs_operator and 'needs_operator' or 'submitted' } end  -- guard: denied-for-long
if needs_operator ~= why then
  redis.call('HSET', key, 'error', cause)
  ask_operator(campaign, batch, state, why, cause)  -- guard: denied-asks-operator
end
return { 'needs_operator' }
