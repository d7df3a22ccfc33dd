#!lua flags=allow-oom
-- Releases a leased chunk without counting a loss: Redis could not store the result, or the chunk is unreadable.
local campaign, chunk, token, delay, cause, unreadable = unpack(ARGV)
-- ARGV    delay: in milliseconds; unreadable: 1 if its messages cannot be read here
-- Return  {unprepared} or {stale}
-- Transition  preparing -> unprepared
-- A chunk has a token only while it is being prepared.
-- guard: chunk-release-fence
if redis.call('HGET', chunk_key(campaign, chunk), 'token') ~= token then return { 'stale' } end
redis.call('HSET', chunk_key(campaign, chunk), 'state', 'unprepared')
redis.call('HDEL', chunk_key(campaign, chunk), 'token', 'lease_until')
redis.call('ZADD', campaign_key(campaign, ':chunks'), NOW + delay, chunk)
refresh_ready(campaign)
if unreadable == '1' then note_unreadable(campaign, cause) end
record_event(campaign, 'chunk ' .. chunk, 'preparing', 'unprepared', cause)
return { 'unprepared' }
