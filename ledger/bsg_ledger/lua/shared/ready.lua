-- The campaigns that have something to send or to prepare, and their order.

-- Fairness: an account serves its campaigns in the order of their virtual time (`pass`). A request advances its
-- campaign by a stride, so that a campaign of high priority is served four times as often as one of normal priority.
-- Campaigns without a request are new. They come before all others, by priority and arrival.
local STRIDE = { high = 1, normal = 4, low = 16 }

local LINE = { high = 0, normal = 10000, low = 100000 }
local BEFORE_ALL = -1000000000

-- So many batches of a campaign, and so many campaigns of an account, are prepared ahead of their slots.
local AHEAD = 8

local function virtual_time(value) return string.format('%.3f', value) end

-- Returns the virtual time of a campaign that has work again. Its absence is not compensated.
local function join(campaign, account)
  local key, clock_key = campaign_key(campaign), account_key(account, 'dispatch')
  local pass, priority = get(key, 'pass', 'priority')
  local virtual = number(redis.call('HGET', clock_key, 'virtual'))
  if not pass then
    pass = BEFORE_ALL + LINE[priority] + redis.call('HINCRBY', clock_key, 'joined', 1)
    redis.call('HSET', key, 'joined', virtual_time(virtual))
  elseif number(pass) >= 0 then
    pass = math.max(number(pass), virtual)  -- guard: absence-made-up-for-by-nothing
  end
  redis.call('HSET', key, 'pass', virtual_time(pass))
  return virtual_time(pass)
end

local function keep_in(index, campaign, score)
  if score then redis.call('ZADD', index, score, campaign) else redis.call('ZREM', index, campaign) end
end

local function later_than_now(zset)
  return tonumber(redis.call('ZRANGEBYSCORE', zset, '(' .. NOW, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2])
end

local function earlier(first, second)
  if first and second then return math.min(first, second) end
  return first or second
end

-- Updates the indexes of campaigns that have something to send or to prepare, now or later, from the campaign's record.
local function refresh_ready(campaign)
  local key = campaign_key(campaign)
  local account, paused, cancelled, deadline, opens_at, held_until, pass =
    get(key, 'account', 'paused', 'cancelled', 'deadline', 'opens_at', 'held_until', 'pass')
  if not account then return end
  local send_at, prepare_at
  -- guard: ready-while-it-may-go-on
  if paused ~= '1' and cancelled ~= '1' and number(deadline) > NOW then
    local _, batch_at = earliest(key .. ':due')
    send_at = batch_at and math.max(batch_at, number(opens_at), number(held_until))  -- guard: ready-when-due
    _, prepare_at = earliest(key .. ':chunks')
  end
  if account == '' then
    return keep_in(account_key(account_of(campaign), 'due'), campaign, earlier(send_at, prepare_at))
  end
  local sendable, preparable = account_key(account, 'sendable'), account_key(account, 'preparable')
  local can_send = send_at and send_at <= NOW
  local can_prepare = prepare_at and prepare_at <= NOW
  -- guard: chunks-not-too-far-ahead
  if can_prepare and redis.call('ZCARD', key .. ':due') + redis.call('ZCOUNT', key .. ':chunks', '(' .. NOW, '+inf') >= AHEAD then
    -- Far enough ahead. This runs again when a batch leaves, or when the lease of a chunk ends.
    can_prepare, prepare_at = false, later_than_now(key .. ':chunks')  -- guard: lost-chunk-leases-noticed
  end
  local listed = redis.call('ZSCORE', sendable, campaign) or redis.call('ZSCORE', preparable, campaign)
  if (can_send or can_prepare) and not listed then pass = join(campaign, account) end
  keep_in(sendable, campaign, can_send and pass)
  keep_in(preparable, campaign, can_prepare and pass)
  local send_later, prepare_later = send_at and send_at > NOW and send_at, prepare_at and prepare_at > NOW and prepare_at
  keep_in(account_key(account, 'due'), campaign, earlier(send_later, prepare_later))
end
