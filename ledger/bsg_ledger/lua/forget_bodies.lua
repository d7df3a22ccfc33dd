#!lua flags=allow-oom
-- Forgets some of a closed campaign's messages, after its first step for good: no retry sends it again.
-- ARGV  1 campaign, 2 of how many chunks and batches at most
-- Answer  {more | done}, or {open} if something is left to do
-- Transition  none of states
local campaign, most = ARGV[1], number(ARGV[2])
local key = campaign_key(campaign)
if not redis.call('ZSCORE', CLOSED, campaign) then return { 'open' } end  -- guard: forget-bodies-closed-only
if redis.call('ZSCORE', UNFINISHED, campaign) then return { 'open' } end  -- guard: forget-bodies-finished-only
redis.call('HSETNX', key, 'bodies_forgotten_at', NOW)  -- guard: forget-bodies-flag-first
local from, chunks, batches = get(key, 'forget_from', 'chunks', 'next_batch')
local total = number(chunks) + number(batches)
local to = math.min(number(from) + most, total)
for index = number(from), to - 1 do
  local chunk = index < number(chunks)
  local one = chunk and chunk_key(campaign, index) or batch_key(campaign, index - number(chunks))
  redis.call('UNLINK', one .. ':messages')
end
if to < total then
  redis.call('HSET', key, 'forget_from', to)
  return { 'more' }
end
redis.call('HDEL', key, 'forget_from')
return { 'done' }
