#!lua flags=allow-oom
-- Ends some unsent chunks and batches of a campaign that is cancelled, or whose deadline has passed. After a cancel, it
-- also orders the stops of BSG's campaigns.
local campaign, most = unpack(ARGV)
-- ARGV    most: chunks and batches at most
-- Return  {more | done}, {early} if it goes on, or {gone}
-- Transition  chunks: unprepared, preparing -> cancelled | expired; batches: pending -> cancelled | expired
most = number(most)
local key = campaign_key(campaign)
local deadline, cancelled, account, batches, stop_from, held_for, held_until =
  get(key, 'deadline', 'cancelled', 'account', 'next_batch', 'stop_from', 'held_for', 'held_until')
if not deadline then return { 'gone' } end
if cancelled ~= '1' and number(deadline) > NOW then return { 'early' } end  -- guard: end-not-early
-- Otherwise a chunk that is added later would be prepared.
if add_chunks_left(campaign, most) then return { 'more' } end  -- guard: end-after-chunks
-- Add committed batches first: without them, a retry would prepare their chunk again.
if add_committed(campaign, most) then return { 'more' } end  -- guard: end-after-committed
local to = cancelled == '1' and 'cancelled' or 'expired'
local cause = to == 'cancelled' and 'operator' or expiry_cause(deadline, held_for, held_until)
local left = most

for _, chunk in ipairs(redis.call('ZRANGE', key .. ':chunks', 0, left - 1)) do
  local state, size = get(chunk_key(campaign, chunk), 'state', 'size')
  redis.call('HSET', chunk_key(campaign, chunk), 'state', to)
  redis.call('HDEL', chunk_key(campaign, chunk), 'token', 'lease_until')  -- guard: end-takes-chunks
  redis.call('ZREM', key .. ':chunks', chunk)
  count(campaign, 'unprepared', 0 - number(size), 0)
  count(campaign, to, number(size), 0)
  record_event(campaign, 'chunk ' .. chunk, state, to, cause)
  left = left - 1
end

-- Batches on the wire or in doubt end when they leave that state.
for _, batch in ipairs(left > 0 and redis.call('ZRANGE', key .. ':due', 0, left - 1) or {}) do
  change_state(campaign, batch, to, 0, cause)
  left = left - 1
end

local function order_stops(batch)
  local state, bsg_id, others = get(batch_key(campaign, batch), 'state', 'bsg_campaign_id', 'other_bsg_campaign_ids')
  if state == 'submitted' then order_stop(campaign, batch, account, bsg_id) end  -- guard: end-stops-submitted
  for other in string.gmatch(others or '', '%d+') do
    -- Campaigns that only repeat the one that counts are being stopped already.
    if redis.call('HEXISTS', batch_key(campaign, batch), 'incomplete:' .. other) == 1 then
      order_stop(campaign, batch, account, other)
    end
  end
end

local stop_to = math.min(number(stop_from) + left, number(batches))
for batch = stop_from and number(stop_from) or stop_to, stop_to - 1 do
  order_stops(batch)
  left = left - 1
end
if stop_from then redis.call('HSET', key, 'stop_from', stop_to) end

refresh_ready(campaign)
refresh_campaign(campaign)
if earliest(key .. ':chunks') or earliest(key .. ':due') then return { 'more' } end
if stop_from and stop_to < number(batches) then return { 'more' } end  -- guard: end-stops-all
redis.call('HDEL', key, 'stop_from')
refresh_unfinished(campaign)
if to == 'expired' then redis.call('ZREM', DEADLINES, campaign) end
return { 'done' }
