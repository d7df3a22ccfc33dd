#!lua flags=allow-oom
-- Records the BSG campaign of an earlier attempt after that of a later one (rule 3): BSG has left messages out of the
-- later one because the earlier one has them.
-- ARGV  1 campaign, 2 batch, 3 account, 4 BSG campaign that counts now, 5 BSG campaign that counts from now on,
--       6 the BSG status of that, 7 next poll (ms), 8... (BSG campaign, 1 if the one that counts has all of its
--       messages) of each other that the batch has
-- Returns {recorded}, {known}, {owned, batch} if one of them belongs to another batch, or {stale}
-- Transition  none, or finished -> submitted where the one that counts from now on is not final at BSG; an alarm. What
--             only repeats the one that counts is stopped, what has messages of its own is not
local campaign, batch, account, counts = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local key, owners = batch_key(campaign, batch), account_key(account, 'owners')
local state, before = get(key, 'state', 'bsg_campaign_id')
-- guard: earlier-finding-current
if (state ~= 'submitted' and state ~= 'finished') or before ~= ARGV[4] then return { 'stale' } end
local id, ids = batch_id(campaign, batch), { counts }
for i = 8, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
for _, bsg_id in ipairs(ids) do
  local owner = redis.call('HGET', owners, bsg_id)
  if owner and owner ~= id then return { 'owned', owner } end  -- guard: earlier-of-another-batch
end
for _, bsg_id in ipairs(ids) do redis.call('HSET', owners, bsg_id, id) end
local changed = counts ~= before
if changed then
  remove_other(campaign, batch, counts)
  redis.call('HSET', key, 'bsg_campaign_id', counts)
  note_status(campaign, batch, ARGV[6])
  redis.call('HDEL', key, 'statistics', 'bsg_total_messages') -- of the campaign that counted before
end
if changed and state == 'finished' and not FINAL_AT_BSG[ARGV[6]] then  -- guard: earlier-not-final
  state = 'submitted'
  redis.call('HDEL', key, 'finished_at')
  move(campaign, batch, state, NOW + ARGV[7], 'BSG: ' .. ARGV[6])
end
local cancelled = redis.call('HGET', campaign_key(campaign), 'cancelled') == '1'
for i = 8, #ARGV, 2 do
  if add_other(campaign, batch, ARGV[i]) then
    changed = true
    -- guard: only-repeats-are-stopped
    if ARGV[i + 1] == '1' or cancelled then order_stop(campaign, batch, account, ARGV[i]) end
  end
  if ARGV[i + 1] ~= '1' then redis.call('HSET', key, 'incomplete:' .. ARGV[i], '1') end
end
if not changed then return { 'known' } end
if cancelled then order_stop(campaign, batch, account, counts) end  -- guard: earlier-cancelled-stopped
redis.call('HINCRBY', LEDGER, 'alarms', 1)
record_event(campaign, batch, state, state, 'ALARM: a second BSG campaign', table.concat(ids, ', '))
redis.call('ZADD', account_key(account_of(campaign), 'live'), NOW + ARGV[7], id)
return { 'recorded' }
