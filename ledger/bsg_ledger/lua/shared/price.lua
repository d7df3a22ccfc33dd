-- A campaign's cost, and its max_cost.

-- Records a batch's price, the campaign's cost so far, and the number of messages with a price.
local function note_price(campaign, batch, price, currency)
  if price == '' then return end
  local key = batch_key(campaign, batch)
  local before, size = get(key, 'price', 'size')
  redis.call('HSET', key, 'price', price, 'currency', currency)
  redis.call('HINCRBYFLOAT', campaign_key(campaign), 'cost', string.format('%.6f', number(price) - number(before)))
  if not before then redis.call('HINCRBY', campaign_key(campaign), 'priced', size) end
  if number(size) > 0 then
    redis.call('HSET', account_key(account_of(campaign), 'gate'), 'message_price', string.format('%.6f', number(price) / number(size)))
  end
  -- The campaign may have waited for a first price.
  if redis.call('HDEL', campaign_key(campaign), 'held_until') == 1 then refresh_ready(campaign) end  -- guard: price-ends-wait
end

-- Returns whether max_cost allows a batch: yes, wait, or the reason why not with the total cost including the batch.
-- The first batch shows a message's price. The others wait until it is known.
local function affordable(campaign, batch, most)
  local set, cost, priced, posting, in_doubt_too, submitted, finished = get(campaign_key(campaign), 'max_cost',
    'cost', 'priced', 'messages:posting', 'messages:unconfirmed', 'messages:submitted',
    'messages:finished')
  most = most or set
  if not most then return 'yes' end
  local on_the_way = number(posting) + number(in_doubt_too)
  local taken = number(submitted) + number(finished)
  if number(priced) == 0 then
    if on_the_way + number(submitted) > 0 then return 'wait' end
    if taken == 0 then return 'yes' end
    return 'BSG reports no price, and max_cost is set', ''
  end
  local size = number(redis.call('HGET', batch_key(campaign, batch), 'size'))
  local unpriced = math.max(0, taken - number(priced))
  -- guard: under-way-counts-as-spent
  local total = number(cost) + number(cost) / number(priced) * (on_the_way + unpriced + size)
  if total <= number(most) + 0.000001 then return 'yes' end
  return 'the next batch would pass max_cost ' .. most, string.format('%.6f', total)
end
