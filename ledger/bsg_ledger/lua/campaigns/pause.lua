#!lua flags=allow-oom
-- Pauses a campaign: nothing more of it leaves.
local campaign = unpack(ARGV)
-- Return  {paused} or {gone}
-- Transition  none of batches; the campaign's own flag
local paused = redis.call('HGET', campaign_key(campaign), 'paused')
if not paused then return { 'gone' } end  -- guard: pause-known
if paused ~= '1' then
  redis.call('HSET', campaign_key(campaign), 'paused', '1')
  record_event(campaign, '', 'running', 'paused', 'operator')
  refresh_ready(campaign)
end
return { 'paused' }
