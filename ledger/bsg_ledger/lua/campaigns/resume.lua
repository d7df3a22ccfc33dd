#!lua flags=allow-oom
-- Resumes a paused campaign, and sets other limits of its cost.
local campaign, max_cost, max_cost_per_day = unpack(ARGV)
-- ARGV    max_cost; max_cost_per_day, of a stream's campaign: from now on ('': unchanged; none: no limit)
-- Return  {running}, {gone}, or {capped, which limit, why, the cost with the next batch ('': unknown)}: its max_cost
--         would pause it again at once, or the new max_cost_per_day would hold it, so that nothing is changed
-- Transition  none of batches; the campaign's own flag
local key = campaign_key(campaign)
local paused = redis.call('HGET', key, 'paused')
if not paused then return { 'gone' } end  -- guard: resume-known
local batch = earliest(key .. ':due')
if paused == '1' and batch and max_cost ~= 'none' then
  local decision, total = check_max_cost(campaign, batch, max_cost ~= '' and max_cost)
  -- guard: resume-within-cap
  if decision ~= 'yes' and decision ~= 'wait' then return { 'capped', 'max_cost', decision, total } end
end
if batch and tonumber(max_cost_per_day) then
  local account, stream = get(key, 'account', 'stream')
  local size = redis.call('HGET', batch_key(campaign, batch), 'size')
  local decision, _, cost, amount, price = check_day_cost(campaign, batch, account, stream, max_cost_per_day, size)
  if decision == 'no' then  -- guard: resume-within-day-cost
    return { 'capped', 'max_cost_per_day', 'the next batch would pass max_cost_per_day ' .. max_cost_per_day,
      price and format_cost(cost + amount) or '' }
  end
end
if max_cost == 'none' then
  redis.call('HDEL', key, 'max_cost')
elseif max_cost ~= '' then
  redis.call('HSET', key, 'max_cost', max_cost)
end
if max_cost_per_day == 'none' then
  redis.call('HDEL', key, 'max_cost_per_day')
elseif max_cost_per_day ~= '' then
  redis.call('HSET', key, 'max_cost_per_day', max_cost_per_day)
end
if max_cost_per_day ~= '' then end_hold(campaign) end  -- guard: new-day-cost-ends-hold
if paused == '1' then
  redis.call('HSET', key, 'paused', '0')
  redis.call('HDEL', key, 'capped')
  record_event(campaign, '', 'paused', 'running', 'operator')
  refresh_ready(campaign)
end
return { 'running' }
