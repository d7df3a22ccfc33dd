-- A campaign's cost, and its max_cost.

-- Records a batch's price, the campaign's cost so far, and the number of messages with a price.
local function note_price(campaign, batch, price, currency)
  if price == '' then return end
  local key = batch_key(campaign, batch)
  local before, size, day = get(key, 'price', 'size', 'day')
  redis.call('HSET', key, 'price', price, 'currency', currency)
  redis.call('HINCRBYFLOAT', campaign_key(campaign), 'cost', format_cost(number(price) - number(before)))
  if not before then redis.call('HINCRBY', campaign_key(campaign), 'priced', size) end
  local message_price = number(size) > 0 and format_cost(number(price) / number(size))
  if message_price then
    redis.call('HSET', account_key(account_of(campaign), 'gate'), 'message_price', message_price)
  end
  if day then set_day_cost(campaign, batch, day, price, message_price) end  -- guard: price-replaces-estimate
  -- The campaign may have waited for a first price, or its estimate was too high.
  end_hold(campaign)  -- guard: price-ends-wait
end

-- Decides whether max_cost allows a batch. Returns yes, wait, or the reason why not, with the total cost including the
-- batch ('' if unknown). The first batch shows a message's price. The others wait until it is known.
-- `new_max_cost`: replaces the campaign's max_cost, if given.
local function check_max_cost(campaign, batch, new_max_cost)
  local max_cost, cost, priced, posting, in_doubt_too, submitted, finished = get(campaign_key(campaign), 'max_cost', 'cost',
    'priced', 'messages:posting', 'messages:unconfirmed', 'messages:submitted', 'messages:finished')
  max_cost = new_max_cost or max_cost
  if not max_cost then return 'yes' end
  local under_way = number(posting) + number(in_doubt_too)
  local taken = number(submitted) + number(finished)
  if number(priced) == 0 then
    if under_way + number(submitted) > 0 then return 'wait' end
    if taken == 0 then return 'yes' end
    return 'BSG reports no price, and max_cost is set', ''
  end
  local size = number(redis.call('HGET', batch_key(campaign, batch), 'size'))
  local message_price = number(cost) / number(priced)
  local unpriced = math.max(0, taken - number(priced))
  local total = number(cost) + message_price * (under_way + unpriced + size)  -- guard: under-way-counts-as-spent
  if total <= number(max_cost) + 0.000001 then return 'yes' end
  return 'the next batch would pass max_cost ' .. max_cost, format_cost(total)
end
