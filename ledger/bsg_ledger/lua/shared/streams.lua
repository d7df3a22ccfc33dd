-- A stream: the campaigns that take up its messages one after the other, and the keys of its messages.

-- Each sent batch stays a record until its campaign is forgotten, so a campaign has no more of them.
local MAX_BATCHES = 10000

-- The stream's campaign takes up no more messages. It may be closed then.
local function stop_collecting(campaign)
  redis.call('ZREM', COLLECTING, campaign)
  redis.call('DEL', campaign_key(campaign, ':collected'))
  if redis.call('HDEL', campaign_key(campaign), 'collects_until', 'collecting_batch') > 0 then refresh_campaign(campaign) end
end

-- A ledger that went back would number its next messages like those that it has lost, and BSG may know their ids.
local function stop_all_collecting()
  for _, campaign in ipairs(redis.call('ZRANGE', COLLECTING, 0, -1)) do stop_collecting(campaign) end
end

-- Remembers a key. New keys go into one hash for the retention, which expires after another one: a key is known for one to
-- two retentions. The hash keeps the retention that it began with, if that of its callers changes.
local function remember_key(stream, retention, name, value)
  local keys, until_time = get(stream_key(stream), 'keys', 'keys_until')
  local over = number(until_time) <= NOW
  if over then
    keys = number(keys) + 1
    redis.call('HSET', stream_key(stream), 'keys', keys, 'keys_until', NOW + retention)
  end
  redis.call('HSET', stream_keys_key(stream, keys), name, value)  -- guard: message-key-remembered
  if over then redis.call('PEXPIRE', stream_keys_key(stream, keys), 2 * retention) end  -- guard: keys-expire
end

-- Returns campaign, index, content and attempt of the message with that key or reference id; nil if none has it.
local function message_with(stream, name)
  local keys = number(redis.call('HGET', stream_key(stream), 'keys'))
  local found = redis.call('HGET', stream_keys_key(stream, keys), name)
  -- guard: key-known-across-keys
  if not found then found = redis.call('HGET', stream_keys_key(stream, keys - 1), name) end
  if found then return string.match(found, '^(%w+) (%d+) (%S+) (%S+)$') end
end
