#!lua flags=allow-oom
-- Resumes a paused campaign, and sets another limit of its cost.
local campaign, max_cost = unpack(ARGV)
-- ARGV    max_cost: from now on ('': unchanged; none: no limit)
-- Return  {running}, {gone}, or {capped, why, what all would cost with the next batch ('': unknown)}: its max_cost
--         would pause it again at once, so that nothing is changed
-- Transition  none of batches; the campaign's own flag
local key = campaign_key(campaign)
local paused = redis.call('HGET', key, 'paused')
if not paused then return { 'gone' } end  -- guard: resume-known
local batch = earliest(key .. ':due')
if paused == '1' and batch and max_cost ~= 'none' then
  local decision, total = check_max_cost(campaign, batch, max_cost ~= '' and max_cost)
  if decision ~= 'yes' and decision ~= 'wait' then return { 'capped', decision, total } end  -- guard: resume-within-cap
end
if max_cost == 'none' then
  redis.call('HDEL', key, 'max_cost')
elseif max_cost ~= '' then
  redis.call('HSET', key, 'max_cost', max_cost)
end
if paused == '1' then
  redis.call('HSET', key, 'paused', '0')
  redis.call('HDEL', key, 'capped')
  record_event(campaign, '', 'paused', 'running', 'operator')
  refresh_ready(campaign)
end
return { 'running' }
