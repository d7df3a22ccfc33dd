#!lua flags=allow-oom
-- Makes messages of a batch rejects without changing its state: BSG dropped them, or their id belongs elsewhere.
local campaign, batch, state, size, rest, rest_rows, cause = unpack(ARGV, 1, 7)
local FIRST_REJECT = 8
-- ARGV    size: of the batch when they were found; rest: the body of the others ('' keeps the old one); rest_rows:
--         their indexes; then (index, row as JSON) of each reject
-- Return  {shrunk, new size} or {stale}
-- Transition  none; -> refused if nothing is left of an unconfirmed batch
local key = batch_key(campaign, batch)
local state_now, size_now = get(key, 'state', 'size')
if not owner_of(campaign) then return { 'stale' } end  -- guard: shrink-not-compacted
if state_now ~= state or size_now ~= size then return { 'stale' } end  -- guard: shrink-unchanged
local rejected, left = take_out(campaign, batch, FIRST_REJECT, rest, rest_rows)
if state == 'unconfirmed' and redis.call('HEXISTS', key, 'suspects') == 1 then  -- guard: explained-by-suspects
  redis.call('HSET', key, 'explained', '1')
  redis.call('HDEL', key, 'suspects')
end
record_event(campaign, batch, state, state, cause, rejected .. ' messages rejected')
-- guard: shrunk-to-nothing
if left == 0 and state == 'unconfirmed' then move(campaign, batch, 'refused', 0, cause) end
refresh_campaign(campaign)
return { 'shrunk', left }
