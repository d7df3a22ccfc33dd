#!lua flags=allow-oom
-- Gives a leased chunk back without counting a loss: Redis could not take the result.
-- ARGV  1 campaign, 2 chunk, 3 token, 4 delay (ms), 5 cause, 6 1 if its messages cannot be read here
-- Returns {unprepared} or {stale}
-- Transition  preparing -> unprepared
local campaign, chunk = ARGV[1], ARGV[2]
-- A chunk has a token only while it is being prepared.
-- guard: chunk-release-fence
if redis.call('HGET', chunk_key(campaign, chunk), 'token') ~= ARGV[3] then return { 'stale' } end
redis.call('HSET', chunk_key(campaign, chunk), 'state', 'unprepared')
redis.call('HDEL', chunk_key(campaign, chunk), 'token', 'lease_until')
redis.call('ZADD', campaign_key(campaign, ':chunks'), NOW + ARGV[4], chunk)
refresh_ready(campaign)
if ARGV[6] == '1' then note_unreadable(campaign, ARGV[5]) end
record_event(campaign, 'chunk ' .. chunk, 'preparing', 'unprepared', ARGV[5])
return { 'unprepared' }
