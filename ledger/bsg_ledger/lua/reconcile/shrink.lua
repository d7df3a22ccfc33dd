#!lua flags=allow-oom
-- Turns messages of a batch into rejects while it stays in its state: BSG dropped them, or their id belongs elsewhere.
-- ARGV  1 campaign, 2 batch, 3 state, 4 size that the finding speaks of, 5 body of the rest ('' keeps the old one),
--       6 its rows, 7 cause, 8... (index, row as JSON) of each reject
-- Returns {shrunk, new size} or {stale}
-- Transition  none; -> refused if nothing is left of an unconfirmed batch
local campaign, batch, state = ARGV[1], ARGV[2], ARGV[3]
local key = batch_key(campaign, batch)
local now_state, size = get(key, 'state', 'size')
if now_state ~= state or size ~= ARGV[4] then return { 'stale' } end  -- guard: shrink-unchanged
local rejected = reject(campaign, 8, #ARGV)
count(campaign, state, 0 - rejected, 0)
count(campaign, 'rejected', rejected, 0)
size = redis.call('HINCRBY', key, 'size', 0 - rejected)
if ARGV[5] ~= '' then
  redis.call('SET', key .. ':messages', ARGV[5])  -- guard: used-ids-taken-out
  redis.call('HSET', key, 'rows', ARGV[6])
end
if state == 'unconfirmed' and redis.call('HEXISTS', key, 'suspects') == 1 then  -- guard: explained-by-suspects
  redis.call('HSET', key, 'explained', '1')
  redis.call('HDEL', key, 'suspects')
end
record_event(campaign, batch, state, state, ARGV[7], rejected .. ' messages rejected')
-- guard: shrunk-to-nothing
if size == 0 and state == 'unconfirmed' then move(campaign, batch, 'refused', 0, ARGV[7]) end
refresh_campaign(campaign)
return { 'shrunk', size }
