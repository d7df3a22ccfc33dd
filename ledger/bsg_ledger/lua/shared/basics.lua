-- Declarations for every script. Times are milliseconds of Redis's own clock. A batch's id is CAMPAIGN-NUMBER.

local clock = redis.call('TIME')
local NOW = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function number(value) return tonumber(value or 0) or 0 end
local function batch_id(campaign, batch) return campaign .. '-' .. batch end

local function get(key, ...) return unpack(redis.call('HMGET', key, ...)) end

-- Records a transition in the campaign's stream and in the feed. The sequence reveals a reader that comes too late, and
-- a ledger that went back.
local function record_event(campaign, batch, from, to, cause, detail)
  local sequence = redis.call('HINCRBY', LEDGER, 'sequence', 1)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', FEED_LENGTH, '*', 'campaign', campaign, 'at', NOW, 'batch', batch,
    'from', from, 'to', to, 'cause', cause, 'detail', detail or '', 'sequence', sequence)
  redis.call('XADD', campaign_key(campaign, ':events'), '*', 'at', NOW, 'batch', batch, 'from', from, 'to', to,
    'cause', cause, 'detail', detail or '', 'sequence', sequence)
end

-- Adds (score, member) pairs to a sorted set, a thousand at once: `unpack` returns no more than some thousand values.
-- `which`: NX or XX, as of ZADD.
local function add_all(zset, which, items)
  for first = 1, #items, 2000 do
    redis.call('ZADD', zset, which, unpack(items, first, math.min(first + 1999, #items)))
  end
end

local function earliest(zset)
  local first = redis.call('ZRANGE', zset, 0, 0, 'WITHSCORES')
  return first[1], tonumber(first[2])
end
