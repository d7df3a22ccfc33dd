#!lua flags=allow-oom
-- Holds a campaign's unsent batches, or lets them go on.
-- ARGV  1 campaign, 2 paused (1 or 0), 3 what it may cost at most from now on ('': as before)
-- Answer  {paused | running} or {gone}
-- Transition  none of batches; the campaign's own flag
local key = campaign_key(ARGV[1])
local before = redis.call('HGET', key, 'paused')
if not before then return { 'gone' } end
if ARGV[3] ~= '' then redis.call('HSET', key, 'max_cost', ARGV[3]) end
if before ~= ARGV[2] then
  redis.call('HSET', key, 'paused', ARGV[2])
  redis.call('HDEL', key, 'capped')
  record_event(ARGV[1], '', before == '1' and 'paused' or 'running', ARGV[2] == '1' and 'paused' or 'running', 'operator')
  refresh_due(ARGV[1])
end
return { ARGV[2] == '1' and 'paused' or 'running' }
