-- A batch at BSG: its status, further campaigns, and stops.

-- BSG's statuses in which messages are held or lost. Each has an index of its batches.
local HELD_AT_BSG = { paused = 'paused-at-bsg', moderation = 'in-moderation', spam = 'spam-at-bsg' }

-- Records BSG's status of the batch's campaign. Returns the previous one.
local function note_status(campaign, batch, status)
  local key, account, id = batch_key(campaign, batch), account_of(campaign), batch_id(campaign, batch)
  local before = redis.call('HGET', key, 'bsg_status')
  if before == status then return before end
  redis.call('HSET', key, 'bsg_status', status, 'bsg_status_at', NOW)
  if HELD_AT_BSG[before] then redis.call('ZREM', account_key(account, HELD_AT_BSG[before]), id) end
  if HELD_AT_BSG[status] then redis.call('ZADD', account_key(account, HELD_AT_BSG[status]), NOW, id) end
  return before
end

-- Records a further BSG campaign of a batch. Returns whether it is new.
local function add_other(campaign, batch, bsg_id)
  local key = batch_key(campaign, batch)
  local others = redis.call('HGET', key, 'other_bsg_campaign_ids')
  if others and string.find(',' .. others .. ',', ',' .. bsg_id .. ',', 1, true) then return false end
  redis.call('HSET', key, 'other_bsg_campaign_ids', others and (others .. ',' .. bsg_id) or bsg_id)
  return true
end

local function remove_other(campaign, batch, bsg_id)
  local key, kept = batch_key(campaign, batch), {}
  for other in string.gmatch(redis.call('HGET', key, 'other_bsg_campaign_ids') or '', '%d+') do
    if other ~= bsg_id then kept[#kept + 1] = other end
  end
  if #kept > 0 then
    redis.call('HSET', key, 'other_bsg_campaign_ids', table.concat(kept, ','))
  else
    redis.call('HDEL', key, 'other_bsg_campaign_ids')
  end
end

local FINAL_AT_BSG = { done = true, stopped = true, spam = true }

-- The longest wait before a stop is tried again, until BSG reports a final status.
local MAX_STOP_WAIT = 600000

local function forget_refusals(account, bsg_id)
  redis.call('HDEL', account_key(account, 'stop-refusals'), bsg_id, bsg_id .. ':since', bsg_id .. ':denied')
end

-- Orders the stop of a BSG campaign, and forgets earlier attempts.
local function order_stop(campaign, batch, account, bsg_id)
  redis.call('HDEL', batch_key(campaign, batch), 'unstopped:' .. bsg_id)
  forget_refusals(account, bsg_id)
  redis.call('ZADD', account_key(account, 'stops'), NOW, bsg_id)
end
