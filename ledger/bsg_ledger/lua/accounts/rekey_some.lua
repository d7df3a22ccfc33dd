#!lua flags=allow-oom
-- Moves some batches of a campaign that has another key to the indexes of its new account. A batch that changed since
-- is in those already, so its entry in an index of the old account is only removed.
local campaign, most = unpack(ARGV)
-- ARGV    most: batches at most
-- Return  {more | done}
-- Transition  none of batches
local key = campaign_key(campaign)
local to, from, first, batches = get(key, 'account', 'carry_account', 'carry_from', 'next_batch')
if not first then return { 'done' } end

local function carry(index, member, belongs)
  local score = redis.call('ZSCORE', account_key(from, index), member)
  if not score then return end
  redis.call('ZREM', account_key(from, index), member)
  if belongs then redis.call('ZADD', account_key(to, index), 'NX', score, member) end  -- guard: carried-if-it-belongs
end

local function carry_batch(batch)
  local id = batch_id(campaign, batch)
  local state, needs_operator, status, bsg_id, others = get(batch_key(campaign, batch), 'state', 'needs_operator',
    'bsg_status', 'bsg_campaign_id', 'other_bsg_campaign_ids')
  -- guard: rekey-due-indexes
  for _, index in ipairs({ 'leases', 'doubt', 'live' }) do carry(index, id, INDEX_OF[state] == index) end
  carry('needs-operator', id, needs_operator)  -- guard: rekey-questions
  for held, index in pairs(HELD_AT_BSG) do carry(index, id, held == status) end  -- guard: rekey-moves-submitted
  for one in string.gmatch((bsg_id or '') .. ',' .. (others or ''), '%d+') do
    redis.call('HDEL', account_key(from, 'owners'), one)
    redis.call('HSETNX', account_key(to, 'owners'), one, id)  -- guard: rekey-owners
    carry('stops', one, true)  -- guard: rekey-stops
    forget_refusals(from, one)
  end
end

local after = math.min(number(first) + number(most), number(batches))
for batch = number(first), after - 1 do carry_batch(batch) end
if after < number(batches) then
  redis.call('HSET', key, 'carry_from', after)
  return { 'more' }
end
redis.call('HDEL', key, 'carry_account', 'carry_from')
refresh_unfinished(campaign)
return { 'done' }
