-- The campaigns that have something to send or to prepare, and their order.

-- Fairness is stride scheduling. An account serves its campaigns in the order of their virtual time (`pass`). A request
-- advances its campaign by a stride, so that a campaign of high priority is served four times as often as one of normal
-- priority. A campaign is new until its first request. New campaigns come before all others, by priority and arrival.
local STRIDE = { high = 1, normal = 4, low = 16 }
local FIRST_PASS = -1000000000
local LATER_BY_PRIORITY = { high = 0, normal = 10000, low = 100000 }

-- The maximum of batches of a campaign, and of campaigns of an account, that are prepared ahead of their slots.
local AHEAD = 8

local function format_pass(value) return string.format('%.3f', value) end

-- Returns the pass of a campaign that has work again. Its absence is not compensated.
local function rejoin(campaign, account, pass, priority)
  local key, clock_key = campaign_key(campaign), account_key(account, 'dispatch')
  if pass and number(pass) < 0 then return pass end -- it is new
  local virtual = number(redis.call('HGET', clock_key, 'virtual'))
  if not pass then
    pass = FIRST_PASS + LATER_BY_PRIORITY[priority] + redis.call('HINCRBY', clock_key, 'joined', 1)
    redis.call('HSET', key, 'joined', format_pass(virtual))
  else
    pass = math.max(number(pass), virtual)  -- guard: absence-made-up-for-by-nothing
  end
  redis.call('HSET', key, 'pass', format_pass(pass))
  return format_pass(pass)
end

-- Sets a campaign's score in an index. Removes the campaign without a score.
local function keep_in(index, campaign, score)
  if score then redis.call('ZADD', index, score, campaign) else redis.call('ZREM', index, campaign) end
end

-- Returns the earliest score that is later than now.
local function next_score(zset)
  return tonumber(redis.call('ZRANGEBYSCORE', zset, '(' .. NOW, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2])
end

local function earlier(first, second)
  if first and second then return math.min(first, second) end
  return first or second
end

-- Updates a campaign's entries in the indexes of those that have something to send or to prepare, now or later. They
-- follow from its record, its batches and its chunks.
local function refresh_ready(campaign)
  local key = campaign_key(campaign)
  local account, name, paused, cancelled, deadline, opens_at, held_until, pass, priority = get(key, 'account',
    'account_name', 'paused', 'cancelled', 'deadline', 'opens_at', 'held_until', 'pass', 'priority')
  if not account then return end
  local send_at, prepare_at
  -- guard: ready-while-it-may-go-on
  if paused ~= '1' and cancelled ~= '1' and number(deadline) > NOW then
    local _, batch_at = earliest(key .. ':due')
    send_at = batch_at and math.max(batch_at, number(opens_at), number(held_until))  -- guard: ready-when-due
    _, prepare_at = earliest(key .. ':chunks')
  end
  if account == '' then
    return keep_in(account_key('-' .. name, 'due'), campaign, earlier(send_at, prepare_at))
  end
  local sendable, preparable = account_key(account, 'sendable'), account_key(account, 'preparable')
  local can_send = send_at and send_at <= NOW
  local can_prepare = prepare_at and prepare_at <= NOW
  -- guard: chunks-not-too-far-ahead
  if can_prepare and redis.call('ZCARD', key .. ':due') + redis.call('ZCOUNT', key .. ':chunks', '(' .. NOW, '+inf') >= AHEAD then
    -- Far enough ahead. This runs again when a batch leaves, or when the lease of a chunk ends.
    can_prepare, prepare_at = false, next_score(key .. ':chunks')  -- guard: lost-chunk-leases-noticed
  end
  local send_score, prepare_score = redis.call('ZSCORE', sendable, campaign), redis.call('ZSCORE', preparable, campaign)
  if (can_send or can_prepare) and not (send_score or prepare_score) then pass = rejoin(campaign, account, pass, priority) end
  if can_send or send_score then keep_in(sendable, campaign, can_send and pass) end
  if can_prepare or prepare_score then keep_in(preparable, campaign, can_prepare and pass) end
  local send_later, prepare_later = send_at and send_at > NOW and send_at, prepare_at and prepare_at > NOW and prepare_at
  keep_in(account_key(account, 'due'), campaign, earlier(send_later, prepare_later))
end
