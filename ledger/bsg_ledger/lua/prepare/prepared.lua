#!lua
-- Commits a prepared chunk, and deletes its messages. Data that is too much for one step was staged before; from now on
-- any process may add it (`add_prepared`).
-- ARGV  1 campaign, 2 chunk, 3 token, 4 suppressions that the messages were held against, 5 batches, 6 rejects,
--       7 elements that were staged, or 0 and size, rows and body of each batch, '', index and JSON row of each reject
-- Return  {prepared}, or {stale}: also if the campaign was cancelled, its deadline has passed, or the staged data has
--         expired
-- Transition  chunk: preparing -> prepared; its batches: (nothing) -> pending
local campaign, chunk, token, suppressed, batches, rejects, staged = unpack(ARGV, 1, 7)
local key, committed = chunk_key(campaign, chunk), campaign_key(campaign, ':committed')
local holder, lease_until = get(key, 'token', 'lease_until')
local cancelled, deadline = get(campaign_key(campaign), 'cancelled', 'deadline')
-- A chunk has a token only while it is being prepared.
if holder ~= token then return { 'stale' } end  -- guard: prepared-by-holder
if number(lease_until) <= NOW then return { 'stale' } end  -- guard: prepared-in-lease
if cancelled == '1' then return { 'stale' } end  -- guard: prepared-not-cancelled
if number(deadline) <= NOW then return { 'stale' } end  -- guard: prepared-before-deadline
if redis.call('LLEN', key .. ':staged:' .. token) ~= number(staged) then return { 'stale' } end  -- guard: prepared-as-staged
redis.call('HSET', key, 'state', 'prepared')
redis.call('HDEL', key, 'token', 'lease_until')
if suppressed ~= '0' then redis.call('HSET', key, 'suppressions', suppressed) end
redis.call('HDEL', campaign_key(campaign, ':messages'), chunk)
redis.call('ZREM', campaign_key(campaign, ':chunks'), chunk)
record_event(campaign, 'chunk ' .. chunk, 'preparing', 'prepared', batches .. ' batches, ' .. rejects .. ' rejects')
if staged ~= '0' then
  redis.call('RENAME', key .. ':staged:' .. token, key .. ':staged')
  redis.call('PERSIST', key .. ':staged')  -- guard: committed-persists
  redis.call('ZADD', committed, NOW, chunk)
  refresh_unfinished(campaign)
end
add_prepared(campaign, chunk, suppressed ~= '0' and suppressed, { unpack(ARGV, 8) })
return { 'prepared' }
