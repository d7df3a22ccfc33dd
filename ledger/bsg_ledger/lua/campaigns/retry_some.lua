#!lua flags=allow-oom
-- Sends some of the refused or expired chunks and batches again.
local campaign, most = unpack(ARGV)
-- ARGV    most: chunks and batches at most
-- Return  {more | done}
-- Transition  batches: refused, expired -> pending, or -> unconfirmed where an attempt is still in doubt;
--             chunks: expired -> unprepared
most = number(most)
local key = campaign_key(campaign)
local from, chunks, batches = get(key, 'retry_from', 'chunks', 'next_batch')
if not from then return { 'done' } end

local function retry_chunk(chunk)
  local state, size = get(chunk_key(campaign, chunk), 'state', 'size')
  if state ~= 'expired' then return end
  redis.call('HSET', chunk_key(campaign, chunk), 'state', 'unprepared')
  redis.call('ZADD', key .. ':chunks', NOW, chunk)
  count(campaign, 'expired', 0 - number(size), 0)
  count(campaign, 'unprepared', number(size), 0)
  record_event(campaign, 'chunk ' .. chunk, 'expired', 'unprepared', 'operator: retry')
end

local function retry_batch(batch)
  local state, size = get(batch_key(campaign, batch), 'state', 'size')
  if state ~= 'refused' and state ~= 'expired' then return end  -- guard: retry-only-unsent
  if number(size) == 0 then return end  -- guard: retry-of-something
  redis.call('HDEL', batch_key(campaign, batch), 'error', 'gate_shuts', 'deadline')
  if in_doubt(campaign, batch) then  -- guard: retry-of-doubt-looks-first
    change_state(campaign, batch, 'unconfirmed', NOW, 'operator: retry')
  else
    change_state(campaign, batch, 'pending', NOW, 'operator: retry')
  end
end

local total = number(chunks) + number(batches)
local to = math.min(number(from) + most, total)
for index = number(from), to - 1 do
  if index < number(chunks) then retry_chunk(index) else retry_batch(index - number(chunks)) end
end
if to < total then
  redis.call('HSET', key, 'retry_from', to)
else
  redis.call('HDEL', key, 'retry_from')
end
refresh_ready(campaign)
refresh_campaign(campaign)
refresh_unfinished(campaign)
return { to < total and 'more' or 'done' }
