#!lua flags=allow-oom
-- Deletes some of a closed campaign: its last batches first, its record at the end.
local campaign, most = unpack(ARGV)
-- ARGV    most: chunks and batches at most
-- Return  {more | done}, or {open} if the campaign is not closed or has steps left
-- Transition  none of states
most = number(most)
local key = campaign_key(campaign)
if not redis.call('ZSCORE', CLOSED, campaign) then return { 'open' } end  -- guard: forget-closed-only
if redis.call('ZSCORE', UNFINISHED, campaign) then return { 'open' } end  -- guard: forget-finished-only
-- A cancelled campaign is closed before its stream lets go of it.
if redis.call('ZSCORE', COLLECTING, campaign) then return { 'open' } end  -- guard: forget-not-collecting
-- From here on, a retry must be refused.
redis.call('HSETNX', key, 'bodies_forgotten_at', NOW)  -- guard: forget-flag-first
local chunks, batches, account, idempotency, stream =
  get(key, 'chunks', 'next_batch', 'account', 'idempotency_key', 'stream')

local function forget_batch(batch)
  local bsg_id, others = get(batch_key(campaign, batch), 'bsg_campaign_id', 'other_bsg_campaign_ids')
  for one in string.gmatch((bsg_id or '') .. ',' .. (others or ''), '%d+') do
    redis.call('HDEL', account_key(account, 'owners'), one)
  end
  if account ~= '' then
    redis.call('ZREM', account_key(account, 'live'), batch_id(campaign, batch))
    for _, index in pairs(HELD_AT_BSG) do redis.call('ZREM', account_key(account, index), batch_id(campaign, batch)) end
  end
  redis.call('UNLINK', batch_key(campaign, batch), batch_key(campaign, batch) .. ':messages')
end

local first_batch = math.max(0, number(batches) - most)
for batch = first_batch, number(batches) - 1 do forget_batch(batch) end
local first_chunk = math.max(0, number(chunks) - (most - (number(batches) - first_batch)))
for chunk = first_chunk, number(chunks) - 1 do
  redis.call('UNLINK', chunk_key(campaign, chunk))
end
if first_batch + first_chunk > 0 then
  redis.call('HSET', key, 'next_batch', first_batch, 'chunks', first_chunk)
  return { 'more' }
end

for _, state in ipairs(redis.call('HKEYS', MESSAGES)) do
  redis.call('HINCRBY', MESSAGES, state, 0 - number(redis.call('HGET', key, 'messages:' .. state)))
end
unlink_campaign(campaign)
redis.call('DEL', idempotency_key(idempotency))
if stream then redis.call('ZREM', stream_campaigns_key(stream), campaign) end
for _, index in ipairs({ CLOSED, CAMPAIGNS, DEADLINES }) do redis.call('ZREM', index, campaign) end
return { 'done' }
