#!lua flags=allow-oom
-- Holds a campaign's unsent batches, or releases them.
local campaign, paused, most = unpack(ARGV)
-- ARGV    paused: 1 or 0; most: what it may cost from now on ('': as before, none: no cap)
-- Return  {paused | running}, {gone}, or {capped, why, what all would cost with the next batch ('': unknown)}: its
--         max_cost would pause it again at once, so that nothing is changed
-- Transition  none of batches; the campaign's own flag
local key = campaign_key(campaign)
local before = redis.call('HGET', key, 'paused')
if not before then return { 'gone' } end  -- guard: pause-known
local batch = earliest(key .. ':due')
if paused == '0' and before == '1' and batch and most ~= 'none' then
  local decision, total = affordable(campaign, batch, most ~= '' and most)
  if decision ~= 'yes' and decision ~= 'wait' then return { 'capped', decision, total } end  -- guard: resume-within-cap
end
if most == 'none' then
  redis.call('HDEL', key, 'max_cost')
elseif most ~= '' then
  redis.call('HSET', key, 'max_cost', most)
end
if before ~= paused then
  redis.call('HSET', key, 'paused', paused)
  redis.call('HDEL', key, 'capped')
  record_event(campaign, '', before == '1' and 'paused' or 'running', paused == '1' and 'paused' or 'running', 'operator')
  refresh_ready(campaign)
end
return { paused == '1' and 'paused' or 'running' }
