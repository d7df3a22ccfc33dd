#!lua flags=allow-oom
-- Gives a leased part back without counting a loss: Redis could not take the result.
-- ARGV  1 campaign, 2 part, 3 token, 4 delay (ms), 5 cause, 6 1 if its messages cannot be read here
-- Answer  {unprepared} or {stale}
-- Transition  preparing -> unprepared
local campaign, part = ARGV[1], ARGV[2]
-- A part has a token only while it is being prepared.
-- guard: chunk-release-fence
if redis.call('HGET', part_key(campaign, part), 'token') ~= ARGV[3] then return { 'stale' } end
redis.call('HSET', part_key(campaign, part), 'state', 'unprepared')
redis.call('HDEL', part_key(campaign, part), 'token', 'lease_until')
redis.call('ZADD', campaign_key(campaign, ':parts'), NOW + ARGV[4], part)
refresh_ready(campaign)
if ARGV[6] == '1' then note_unreadable(campaign, ARGV[5]) end
record_event(campaign, 'part ' .. part, 'preparing', 'unprepared', ARGV[5])
return { 'unprepared' }
