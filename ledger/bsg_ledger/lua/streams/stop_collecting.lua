#!lua flags=allow-oom
-- Ends a stream's campaign whose time is over: it takes up no more messages.
local campaign = unpack(ARGV)
-- Return  {stopped | early}
-- Transition  none of batches; the campaign may be closed then
local collects_until = redis.call('HGET', campaign_key(campaign), 'collects_until')
if number(collects_until) > NOW then return { 'early' } end  -- guard: collects-until-its-end
stop_collecting(campaign)
return { 'stopped' }
