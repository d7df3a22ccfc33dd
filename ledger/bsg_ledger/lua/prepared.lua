#!lua
-- Puts all batches and rejects of a part into the ledger at once and lets go of the part's messages.
-- ARGV  1 campaign, 2 part, 3 token, 4 batches, 5 rejects, 6 suppressions that the messages were held against,
--       then (size, rows, body) of each batch, then (index, row as JSON) of each reject
-- Answer  {prepared, first batch, batches} or {stale}
-- Transition  part: preparing -> prepared; its batches: (nothing) -> pending
local campaign, part = ARGV[1], ARGV[2]
local key = part_key(campaign, part)
local token, size, lease_until = get(key, 'token', 'size', 'lease_until')
-- A part has a token only while it is being prepared.
if token ~= ARGV[3] or number(lease_until) <= NOW then return { 'stale' } end  -- guard: prepared-fence
local batches, rejects = number(ARGV[4]), number(ARGV[5])
redis.call('HSET', key, 'state', 'prepared')
redis.call('HDEL', key, 'token', 'lease_until')
redis.call('DEL', key .. ':messages')
redis.call('ZREM', campaign_key(campaign, ':parts'), part)
count(campaign, 'unprepared', 0 - number(size), 0)
local first = redis.call('HINCRBY', campaign_key(campaign), 'next_batch', batches) - batches
for i = 0, batches - 1 do
  local batch, batch_size = first + i, ARGV[7 + 3 * i]
  redis.call('SET', batch_key(campaign, batch) .. ':messages', ARGV[9 + 3 * i])
  redis.call('HSET', batch_key(campaign, batch), 'state', 'pending', 'size', batch_size, 'rows', ARGV[8 + 3 * i], 'part', part,
    'not_before', NOW, 'since', NOW, 'attempts', 0)
  if ARGV[6] ~= '0' then redis.call('HSET', batch_key(campaign, batch), 'suppressions', ARGV[6]) end
  enter(campaign, batch, 'pending', NOW)
  count(campaign, 'pending', batch_size, 1)
  record_event(campaign, batch, '', 'pending', 'prepared')
end
reject(campaign, 7 + 3 * batches, #ARGV)
if rejects > 0 then count(campaign, 'rejected', rejects, 0) end
record_event(campaign, 'part ' .. part, 'preparing', 'prepared', batches .. ' batches, ' .. rejects .. ' rejects')
-- Its place among those to prepare stands otherwise: somebody has been rung for the parts that are left.
if not earliest(campaign_key(campaign, ':parts')) then redis.call('ZREM', PREPARE, campaign) end
refresh_due(campaign)
refresh_campaign(campaign)
return { 'prepared', first, batches }
