#!lua flags=allow-oom
-- Holds a campaign's unsent batches, or lets them go on.
-- ARGV  1 campaign, 2 paused (1 or 0), 3 what it may cost at most from now on ('': as before, none: no cap)
-- Returns {paused | running}, {gone}, or {capped, why, what all would cost with the next batch ('': unknown)}: its
--         max_cost would pause it again at once, so that nothing is changed
-- Transition  none of batches; the campaign's own flag
local campaign, most = ARGV[1], ARGV[3]
local key = campaign_key(campaign)
local before = redis.call('HGET', key, 'paused')
if not before then return { 'gone' } end  -- guard: pause-known
local batch = earliest(key .. ':due')
if ARGV[2] == '0' and before == '1' and batch and most ~= 'none' then
  local decision, total = affordable(campaign, batch, most ~= '' and most)
  if decision ~= 'yes' and decision ~= 'wait' then return { 'capped', decision, total } end  -- guard: resume-within-cap
end
if most == 'none' then
  redis.call('HDEL', key, 'max_cost')
elseif most ~= '' then
  redis.call('HSET', key, 'max_cost', most)
end
if before ~= ARGV[2] then
  redis.call('HSET', key, 'paused', ARGV[2])
  redis.call('HDEL', key, 'capped')
  record_event(campaign, '', before == '1' and 'paused' or 'running', ARGV[2] == '1' and 'paused' or 'running', 'operator')
  refresh_ready(campaign)
end
return { ARGV[2] == '1' and 'paused' or 'running' }
