#!lua flags=allow-oom
-- Records the BSG campaign of an earlier attempt after that of a later one (rule 3): BSG has left messages out of the
-- later one because the earlier one has them.
local campaign, batch, account, counted, counts, status, next_poll = unpack(ARGV, 1, 7)
local FIRST_OTHER = 8
-- ARGV    counted, counts: the BSG campaigns that count now and from now on; status: of the latter; next_poll: in
--         milliseconds; then (BSG campaign, 1 if the one that counts has all of its messages) of each other that the
--         batch has
-- Return  {recorded}, {known}, {owned, batch} if one of them belongs to another batch, or {stale}
-- Transition  none, or finished -> submitted where the one that counts from now on is not final at BSG; an alarm. What
--             only repeats the one that counts is stopped, what has messages of its own is not
local key, owners = batch_key(campaign, batch), account_key(account, 'owners')
local state, before = get(key, 'state', 'bsg_campaign_id')
-- guard: earlier-finding-current
if (state ~= 'submitted' and state ~= 'finished') or before ~= counted then return { 'stale' } end
if not owner_of(campaign) then return { 'stale' } end  -- guard: earlier-not-compacted
local id, ids = batch_id(campaign, batch), { counts }
for i = FIRST_OTHER, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
for _, bsg_id in ipairs(ids) do
  local owner = redis.call('HGET', owners, bsg_id)
  if owner and owner ~= id then return { 'owned', owner } end  -- guard: earlier-of-another-batch
end
for _, bsg_id in ipairs(ids) do redis.call('HSET', owners, bsg_id, id) end
local changed = counts ~= before
if changed then
  remove_other(campaign, batch, counts)
  redis.call('HSET', key, 'bsg_campaign_id', counts)
  note_status(campaign, batch, status)
  redis.call('HDEL', key, 'statistics', 'bsg_total_messages') -- of the campaign that counted before
end
if changed and state == 'finished' and not FINAL_AT_BSG[status] then  -- guard: earlier-not-final
  state = 'submitted'
  redis.call('HDEL', key, 'finished_at')
  move(campaign, batch, state, NOW + next_poll, 'BSG: ' .. status)
end
local cancelled = redis.call('HGET', campaign_key(campaign), 'cancelled') == '1'
for i = FIRST_OTHER, #ARGV, 2 do
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
redis.call('ZADD', account_key(account_of(campaign), 'live'), NOW + next_poll, id)
return { 'recorded' }
