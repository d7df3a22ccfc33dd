-- What the campaigns of a stream with max_cost_per_day cost together in one day (UTC).

-- The stream's record has the day that counts now, with what was spent and reserved on it. A batch has the day of its
-- last post, and its own part of that day's cost: reserved by an estimate, then as BSG reports it.
local DAY = 86400000

local function format_cost(amount) return string.format('%.6f', amount) end

-- Nothing of a held campaign is sent before `at`.
local function hold_until(campaign, at, why)
  redis.call('HSET', campaign_key(campaign), 'held_until', at, 'held_for', why)
  refresh_ready(campaign)
end

-- The campaign may go on: what it was held for has changed.
local function end_hold(campaign)
  if redis.call('HDEL', campaign_key(campaign), 'held_until', 'held_for') > 0 then refresh_ready(campaign) end
end

-- Returns why messages were not sent before their deadline. A campaign keeps the record of its last hold.
local function expiry_cause(deadline, held_for, held_until)
  if held_for == 'max_cost_per_day' and number(deadline) <= number(held_until) then  -- guard: expiry-names-day-cost
    return 'deadline passed, held by max_cost_per_day'
  end
  return 'deadline passed'
end

-- Changes what a batch costs. The day of its last post may be over: then it counts no more. `message_price`: of one of
-- its messages, if BSG has reported it.
local function set_day_cost(campaign, batch, day, amount, message_price)
  local key, stream = batch_key(campaign, batch), stream_key(redis.call('HGET', campaign_key(campaign), 'stream'))
  local before = redis.call('HGET', key, 'day_cost')
  local day_now, unpriced = get(stream, 'day', 'day_unpriced')
  redis.call('HSET', key, 'day_cost', amount)
  if day_now == day then  -- guard: day-cost-of-its-day
    redis.call('HINCRBYFLOAT', stream, 'day_cost', format_cost(number(amount) - number(before)))
  end
  if message_price then redis.call('HSET', stream, 'message_price', message_price) end  -- guard: day-price-of-stream
  if unpriced == batch_id(campaign, batch) then redis.call('HDEL', stream, 'day_unpriced') end  -- guard: day-price-ends-wait
end

-- A batch in these states has not been taken, unless one of its attempts is in doubt.
local NOT_TAKEN = { refused = true, expired = true, cancelled = true }

-- Gives back what a batch has reserved if it ends without having been taken.
local function release_day_cost(campaign, batch, day, state, doubt)
  if not NOT_TAKEN[state] then return end  -- guard: unsent-keeps-day-cost
  if doubt == '1' then return end  -- guard: doubt-keeps-day-cost
  set_day_cost(campaign, batch, day, 0)
  end_hold(campaign)  -- guard: given-back-ends-hold
end

-- Returns the price of one of the campaign's messages; nil if none is known.
local function price_of_message(campaign, account, of_stream)
  local cost, priced = get(campaign_key(campaign), 'cost', 'priced')
  if number(priced) > 0 then return number(cost) / number(priced) end  -- guard: day-price-of-campaign
  return tonumber(of_stream or redis.call('HGET', account_key(account, 'gate'), 'message_price'))
end

-- Decides whether max_cost_per_day allows a batch. Returns yes; reserved, if the day's cost has it already; wait, for a
-- price; or no. Then the day, what it costs so far, what the batch will cost, and a message's price (nil: unknown). The
-- first batch shows a message's price. The others wait until it is known.
local function check_day_cost(campaign, batch, account, stream, max_cost, size)
  local own_day, reserved = get(batch_key(campaign, batch), 'day', 'day_cost')
  local day, cost, unpriced, of_stream = get(stream_key(stream), 'day', 'day_cost', 'day_unpriced', 'message_price')
  -- The clock may have been set back.
  local today = math.max(math.floor(NOW / DAY), number(day))  -- guard: day-goes-never-back
  if number(day) ~= today then cost, unpriced = 0, false end  -- guard: day-begins-with-nothing
  if number(own_day) ~= today then reserved = 0 end  -- guard: day-cost-reserved-each-day
  if number(reserved) > 0 then return 'reserved' end  -- guard: day-cost-reserved-once
  if unpriced and unpriced ~= batch_id(campaign, batch) then return 'wait' end  -- guard: first-price-of-day-awaited
  local price, left = price_of_message(campaign, account, of_stream), number(max_cost) - number(cost)
  local amount = (price or 0) * number(size)
  -- guard: send-within-day-cost
  if amount > left + 0.000001 or (not price and left <= 0) then return 'no', today, number(cost), amount, price end
  return 'yes', today, number(cost), amount, price
end

-- Reserves what a batch will cost, if that is allowed. Returns yes; wait; or until when its campaign is held.
local function reserve_day_cost(campaign, batch, account, stream, max_cost, size)
  local decision, day, cost, amount, price = check_day_cost(campaign, batch, account, stream, max_cost, size)
  if decision == 'reserved' then return 'yes' end
  if decision == 'wait' then return 'wait' end
  if decision == 'no' then return (day + 1) * DAY end
  local record, id = stream_key(stream), batch_id(campaign, batch)
  -- guard: day-cost-reserved
  redis.call('HSET', record, 'day', day, 'day_cost', format_cost(cost + amount))
  redis.call('HSET', batch_key(campaign, batch), 'day', day, 'day_cost', format_cost(amount))
  redis.call('HDEL', campaign_key(campaign), 'held_until', 'held_for')
  -- guard: unpriced-batch-noted
  if price then redis.call('HDEL', record, 'day_unpriced') else redis.call('HSET', record, 'day_unpriced', id) end
  return 'yes'
end
