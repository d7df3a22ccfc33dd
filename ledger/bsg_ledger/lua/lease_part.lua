#!lua flags=allow-oom
-- Leases the campaign's next part that is due, giving up on parts that lost too many leases.
-- ARGV  1 campaign, 2 token, 3 lease (ms), 4 leases that may be lost, 5 timeout (ms) with the bell that the caller
--       rings for another part that is due: the sweep rings only after that
-- Answer  {leased, part, packed messages, envelope, first index, size, 1 if another part is due now, else 0,
--         suppressions}, {none, when the next is due or -1}
-- Transition  unprepared -> preparing; preparing (lease over) -> preparing | failed (its messages: rejected)
local campaign = ARGV[1]
while true do
  local part, at = earliest(campaign_key(campaign, ':parts'))
  if not part then return { 'none', -1 } end
  if at > NOW then return { 'none', at } end  -- guard: chunk-leased-once
  local key = part_key(campaign, part)
  local state, size, first_index, losses = get(key, 'state', 'size', 'first_index', 'losses')
  if state == 'preparing' then losses = redis.call('HINCRBY', key, 'losses', 1) end  -- guard: chunk-losses-counted
  if number(losses) < number(ARGV[4]) then  -- guard: chunk-losses-allowed
    redis.call('HSET', campaign_key(campaign), 'started', '1')
    redis.call('HSET', key, 'state', 'preparing', 'token', ARGV[2], 'lease_until', NOW + ARGV[3])
    redis.call('ZADD', campaign_key(campaign, ':parts'), NOW + ARGV[3], part)
    refresh_prepare(campaign)
    local _, next_at = earliest(campaign_key(campaign, ':parts'))
    -- guard: next-chunk-postponed
    if next_at <= NOW then redis.call('ZADD', PREPARE, NOW + ARGV[5], campaign) end
    record_event(campaign, 'part ' .. part, state, 'preparing', state == 'preparing' and 'lease lost' or 'leased')
    return { 'leased', part, redis.call('GET', key .. ':messages'), redis.call('HGET', campaign_key(campaign), 'envelope'),
      first_index, size, next_at <= NOW and 1 or 0, suppressions() }
  end
  for index = number(first_index), number(first_index) + number(size) - 1 do
    redis.call('ZADD', campaign_key(campaign, ':rejects'), 'NX', index, cjson.encode({ index = index,
      field = '', code = 'unprocessable', message = 'preparing this part ended its process again and again' }))
  end
  redis.call('HSET', key, 'state', 'failed')
  redis.call('HDEL', key, 'token', 'lease_until')
  redis.call('DEL', key .. ':messages')
  redis.call('ZREM', campaign_key(campaign, ':parts'), part)
  count(campaign, 'unprepared', 0 - number(size), 0)
  count(campaign, 'rejected', number(size), 0)
  refresh_prepare(campaign)
  record_event(campaign, 'part ' .. part, 'preparing', 'failed', 'lost too many leases')
  refresh_campaign(campaign)
end
