#!lua flags=allow-oom
-- Deletes some of a closed campaign's messages. After the first step, no retry can send the campaign again.
local campaign, most = unpack(ARGV)
-- ARGV    most: batches at most
-- Return  {more | done}, or {open} if the campaign is not closed or has steps left
-- Transition  none of states
most = number(most)
local key = campaign_key(campaign)
if not redis.call('ZSCORE', CLOSED, campaign) then return { 'open' } end  -- guard: forget-bodies-closed-only
if redis.call('ZSCORE', UNFINISHED, campaign) then return { 'open' } end  -- guard: forget-bodies-finished-only
redis.call('HSETNX', key, 'bodies_forgotten_at', NOW)  -- guard: forget-bodies-flag-first
redis.call('UNLINK', key .. ':messages')
local from, batches = get(key, 'forget_from', 'next_batch')
local to = math.min(number(from) + most, number(batches))
for batch = number(from), to - 1 do redis.call('UNLINK', batch_key(campaign, batch) .. ':messages') end
if to < number(batches) then
  redis.call('HSET', key, 'forget_from', to)
  return { 'more' }
end
redis.call('HDEL', key, 'forget_from')
return { 'done' }
