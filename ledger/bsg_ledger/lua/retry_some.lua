#!lua flags=allow-oom
-- Sends some of what was refused or has expired again.
-- ARGV  1 campaign, 2 how many chunks and batches at most
-- Answer  {more | done}
-- Transition  batches: refused, expired -> pending, or -> unconfirmed where an attempt is still in doubt;
--             parts: expired -> unprepared
local campaign, most = ARGV[1], number(ARGV[2])
local key = campaign_key(campaign)
local from, parts, batches = get(key, 'retry_from', 'parts', 'next_batch')
if not from then return { 'done' } end

local function retry_part(part)
  local state, size = get(part_key(campaign, part), 'state', 'size')
  if state ~= 'expired' then return end
  redis.call('HSET', part_key(campaign, part), 'state', 'unprepared')
  redis.call('ZADD', key .. ':parts', NOW, part)
  count(campaign, 'expired', 0 - number(size), 0)
  count(campaign, 'unprepared', number(size), 0)
  record_event(campaign, 'part ' .. part, 'expired', 'unprepared', 'operator: retry')
end

local function retry_batch(batch)
  local state, size = get(batch_key(campaign, batch), 'state', 'size')
  if state ~= 'refused' and state ~= 'expired' then return end  -- guard: retry-only-unsent
  if number(size) == 0 then return end  -- guard: retry-of-something
  redis.call('HDEL', batch_key(campaign, batch), 'error', 'gate_shuts')
  if in_doubt(campaign, batch) then  -- guard: retry-of-doubt-looks-first
    change_state(campaign, batch, 'unconfirmed', NOW, 'operator: retry')
  else
    change_state(campaign, batch, 'pending', NOW, 'operator: retry')
  end
end

local places = number(parts) + number(batches)
local to = math.min(number(from) + most, places)
for place = number(from), to - 1 do
  if place < number(parts) then retry_part(place) else retry_batch(place - number(parts)) end
end
if to < places then
  redis.call('HSET', key, 'retry_from', to)
else
  redis.call('HDEL', key, 'retry_from')
end
refresh_ready(campaign)
refresh_campaign(campaign)
refresh_unfinished(campaign)
return { to < places and 'more' or 'done' }
