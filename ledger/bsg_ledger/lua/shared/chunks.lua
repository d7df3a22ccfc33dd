-- A campaign's chunks: from accepted messages to batches and rejects.

-- Adds chunks of these sizes after the campaign's existing ones.
local function add_chunks(campaign, sizes)
  local key = campaign_key(campaign)
  local chunk, first_index = get(key, 'chunks', 'next_index')
  chunk, first_index = number(chunk), number(first_index)
  for _, size in ipairs(sizes) do
    redis.call('HSET', chunk_key(campaign, chunk), 'state', 'unprepared', 'size', size, 'first_index', first_index, 'losses', 0)
    redis.call('ZADD', key .. ':chunks', NOW, chunk)
    chunk, first_index = chunk + 1, first_index + number(size)
  end
  redis.call('HSET', key, 'chunks', chunk, 'next_index', first_index)
end

-- Adds some of the remaining chunks. Returns whether there were any.
local function add_chunks_left(campaign, most)
  local sizes = redis.call('LPOP', campaign_key(campaign, ':sizes'), most)
  if not sizes then return false end
  add_chunks(campaign, sizes)
  refresh_ready(campaign)
  refresh_unfinished(campaign)
  return true
end

-- Adds the batches (size, rows, body) and rejects ('', index, JSON row) of a prepared chunk. `list`: the version of the
-- suppression list that the messages were checked against, or false for an empty list.
local function add_prepared(campaign, chunk, list, items)
  local pending, batches, rejected = 0, 0, 0
  for i = 1, #items, 3 do
    if items[i] == '' then
      redis.call('ZADD', campaign_key(campaign, ':rejects'), items[i + 1], items[i + 2])
      rejected = rejected + 1
    else
      local batch = redis.call('HINCRBY', campaign_key(campaign), 'next_batch', 1) - 1
      redis.call('SET', batch_key(campaign, batch) .. ':messages', items[i + 2])
      redis.call('HSET', batch_key(campaign, batch), 'state', 'pending', 'size', items[i], 'rows', items[i + 1], 'chunk', chunk,
        'not_before', NOW, 'since', NOW, 'attempts', 0)
      if list then redis.call('HSET', batch_key(campaign, batch), 'suppressions', list) end
      enter(campaign, batch, 'pending', NOW)
      record_event(campaign, batch, '', 'pending', 'prepared')
      pending, batches = pending + number(items[i]), batches + 1
    end
  end
  count(campaign, 'unprepared', 0 - pending - rejected, 0)
  if batches > 0 then count(campaign, 'pending', pending, batches) end
  if rejected > 0 then count(campaign, 'rejected', rejected, 0) end
  refresh_ready(campaign)
  if batches == 0 then refresh_campaign(campaign) end  -- guard: rejects-may-end
end

-- Rejects some of the messages of a chunk that was given up. Returns whether there were others.
local function reject_some(campaign, chunk, most)
  local size, first_index, rejected = get(chunk_key(campaign, chunk), 'size', 'first_index', 'rejected')
  local from = number(rejected)
  local to = math.min(from + number(most), number(size))
  for index = number(first_index) + from, number(first_index) + to - 1 do
    redis.call('ZADD', campaign_key(campaign, ':rejects'), index, cjson.encode({ index = index,
      field = '', code = 'unprocessable', message = 'preparing this chunk ended its process again and again' }))
  end
  redis.call('HSET', chunk_key(campaign, chunk), 'rejected', to)  -- guard: given-up-rejected-once
  count(campaign, 'unprepared', from - to, 0)
  count(campaign, 'rejected', to - from, 0)
  refresh_campaign(campaign)
  return to < number(size)
end

-- Adds some of the committed batches and rejects. Returns whether there were any.
local function add_committed(campaign, most)
  local committed = campaign_key(campaign, ':committed')
  local chunk = earliest(committed)
  if not chunk then return false end
  local more
  if redis.call('HGET', chunk_key(campaign, chunk), 'state') == 'failed' then
    more = reject_some(campaign, chunk, most)
  else
    local staged = chunk_key(campaign, chunk) .. ':staged'
    local list = redis.call('HGET', chunk_key(campaign, chunk), 'suppressions')
    add_prepared(campaign, chunk, list, redis.call('LPOP', staged, 3 * most) or {})
    more = redis.call('EXISTS', staged) == 1
  end
  if not more then
    redis.call('ZREM', committed, chunk)
    refresh_unfinished(campaign)
  end
  return true
end

-- Gives up a chunk that has lost too many leases: no worker prepares it again. Its messages are rejected in steps.
local function give_up_chunk(campaign, chunk)
  redis.call('HSET', chunk_key(campaign, chunk), 'state', 'failed')
  redis.call('HDEL', chunk_key(campaign, chunk), 'token', 'lease_until')
  redis.call('HDEL', campaign_key(campaign, ':messages'), chunk)
  redis.call('ZREM', campaign_key(campaign, ':chunks'), chunk)
  redis.call('ZADD', campaign_key(campaign, ':committed'), NOW, chunk)
  refresh_ready(campaign)
  refresh_unfinished(campaign)  -- guard: give-up-is-finished
  record_event(campaign, 'chunk ' .. chunk, 'preparing', 'failed', 'lost too many leases')
end

-- Leases the campaign's next due chunk. Returns {prepare, campaign, chunk, packed messages, options, first index, size,
-- suppressions}, {again, campaign} if a chunk was given up, whose messages `add_prepared` rejects, or nil if none is
-- due.
local function lease_chunk(campaign, token, lease, losses_allowed)
  local chunk, at = earliest(campaign_key(campaign, ':chunks'))
  if not chunk or at > NOW then  -- guard: chunk-leased-once
    refresh_ready(campaign)
    return nil
  end
  local key = chunk_key(campaign, chunk)
  local state, size, first_index, losses = get(key, 'state', 'size', 'first_index', 'losses')
  if state == 'preparing' then losses = redis.call('HINCRBY', key, 'losses', 1) end  -- guard: chunk-losses-counted
  if number(losses) >= number(losses_allowed) then  -- guard: chunk-losses-allowed
    give_up_chunk(campaign, chunk)
    return { 'again', campaign }
  end
  redis.call('HSET', campaign_key(campaign), 'started', '1')
  redis.call('HSET', key, 'state', 'preparing', 'token', token, 'lease_until', NOW + lease)
  redis.call('ZADD', campaign_key(campaign, ':chunks'), NOW + lease, chunk)
  refresh_ready(campaign)
  record_event(campaign, 'chunk ' .. chunk, state, 'preparing', state == 'preparing' and 'lease lost' or 'leased')
  return { 'prepare', campaign, chunk, redis.call('HGET', campaign_key(campaign, ':messages'), chunk),
    redis.call('HGET', campaign_key(campaign), 'options'), first_index, size, suppressions() }
end
