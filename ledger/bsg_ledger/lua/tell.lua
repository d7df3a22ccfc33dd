#!lua flags=allow-oom
-- Puts what BSG pushed of one message into the feed.
-- ARGV  1 campaign ('' if its reference id names none), 2 message, 3 status, 4 detail
-- Answer  {told} or {gone}: there is no such campaign
-- Transition  none
if ARGV[1] ~= '' and redis.call('EXISTS', campaign_key(ARGV[1])) == 0 then return { 'gone' } end
tell(ARGV[1], ARGV[2], '', ARGV[3], 'BSG: delivery report', ARGV[4])
return { 'told' }
