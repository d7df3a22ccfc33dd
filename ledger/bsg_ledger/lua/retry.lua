#!lua flags=allow-oom
-- Sends again what was refused or has expired.
-- ARGV  1 campaign, 2 new deadline (ms; '' keeps the old one), 3 next look (ms)
-- Answer  {retried, messages}, {late} if the deadline has passed, {forgotten} if bodies are gone, {cancelled} or {gone}
-- Transition  batches: refused, expired -> pending, or -> unconfirmed where an attempt is still in doubt;
--             parts: expired -> unprepared
local campaign = ARGV[1]
local key = campaign_key(campaign)
local parts, batches, deadline, cancelled = get(key, 'parts', 'next_batch', 'deadline', 'cancelled')
if not parts then return { 'gone' } end  -- guard: retry-known
if cancelled == '1' then return { 'cancelled' } end  -- guard: retry-not-cancelled
if ARGV[2] ~= '' then deadline = ARGV[2] end
if number(deadline) <= NOW then return { 'late' } end  -- guard: retry-before-deadline
local again = {}
for batch = 0, number(batches) - 1 do
  local state, size = get(batch_key(campaign, batch), 'state', 'size')
  if (state == 'refused' or state == 'expired') and number(size) > 0 then  -- guard: retry-of-something
    -- guard: retry-has-body
    if redis.call('EXISTS', batch_key(campaign, batch) .. ':messages') == 0 then return { 'forgotten' } end
    again[#again + 1] = batch
  end
end
for part = 0, number(parts) - 1 do
  if redis.call('HGET', part_key(campaign, part), 'state') == 'expired'  -- guard: retry-has-chunk
    and redis.call('EXISTS', part_key(campaign, part) .. ':messages') == 0 then
    return { 'forgotten' }
  end
end
redis.call('HSET', key, 'deadline', deadline)
local messages = 0
for _, batch in ipairs(again) do
  messages = messages + number(redis.call('HGET', batch_key(campaign, batch), 'size'))
  redis.call('HDEL', batch_key(campaign, batch), 'error', 'gate_shuts')
  if in_doubt(campaign, batch) then  -- guard: retry-of-doubt-looks-first
    to_doubt(campaign, batch, ARGV[3], 'operator: retry')
  else
    move(campaign, batch, 'pending', NOW, 'operator: retry')
  end
end
for part = 0, number(parts) - 1 do
  local state, size = get(part_key(campaign, part), 'state', 'size')
  if state == 'expired' then
    redis.call('HSET', part_key(campaign, part), 'state', 'unprepared')
    redis.call('ZADD', key .. ':parts', NOW, part)
    count(campaign, 'expired', 0 - number(size), 0)
    count(campaign, 'unprepared', number(size), 0)
    record_event(campaign, 'part ' .. part, 'expired', 'unprepared', 'operator: retry')
    messages = messages + number(size)
  end
end
refresh_prepare(campaign)
refresh_campaign(campaign)
return { 'retried', messages }
