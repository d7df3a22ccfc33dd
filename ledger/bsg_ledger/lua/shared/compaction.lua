-- A compacted campaign: its record is what is left of it.

local function is_compacted(campaign) return redis.call('EXISTS', record_key(campaign)) == 1 end

-- Removes some of the batches and chunks of a compacted campaign, the last ones first. Returns whether others are left.
local function remove_some(campaign, most)
  local left = campaign_key(campaign, ':left')
  local batches, chunks = get(left, 'batches', 'chunks')
  local first_batch = math.max(0, number(batches) - most)
  for batch = first_batch, number(batches) - 1 do redis.call('UNLINK', batch_key(campaign, batch)) end
  local first_chunk = math.max(0, number(chunks) - (most - (number(batches) - first_batch)))
  for chunk = first_chunk, number(chunks) - 1 do redis.call('UNLINK', chunk_key(campaign, chunk)) end
  if first_batch + first_chunk > 0 then
    redis.call('HSET', left, 'batches', first_batch, 'chunks', first_chunk)
    redis.call('ZADD', UNFINISHED, 'NX', NOW, campaign)  -- guard: compaction-is-finished
    return true
  end
  redis.call('DEL', left)
  redis.call('ZREM', UNFINISHED, campaign)
  return false
end
