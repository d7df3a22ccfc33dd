#!lua flags=allow-oom
-- Records BSG's report of a submitted batch, with an event if its status changed.
local campaign, batch, status, final, statistics, price, currency, total, next_poll = unpack(ARGV)
-- ARGV    final: 1 or 0; statistics: JSON; total: of the messages ('': not known); next_poll: in milliseconds; -1 for
--         none
-- Return  {submitted | finished} or {stale}
-- Transition  submitted -> finished; a stop is ordered for a cancelled campaign that is not final at BSG, unless an
--             operator was asked about that; it is ordered again if BSG denied the campaign and knows it now
local key, account = batch_key(campaign, batch), account_of(campaign)
local state, bsg_id = get(key, 'state', 'bsg_campaign_id')
if state ~= 'submitted' and state ~= 'finished' then return { 'stale' } end  -- guard: poll-of-submitted
local live, given_up = account_key(account, 'live'), redis.call('HEXISTS', key, 'unstopped:' .. bsg_id) == 1
-- Its polls have ended, and its campaign may be compacted.
if state == 'finished' and not redis.call('ZSCORE', live, batch_id(campaign, batch)) then return { 'stale' } end  -- guard: poll-before-its-end
-- The stop was given up because BSG denied the campaign. Now BSG can stop it.
if given_up and redis.call('HEXISTS', key, 'lost_at') == 1 then given_up = false end  -- guard: poll-stops-again
local before = note_status(campaign, batch, status)
redis.call('HSET', key, 'statistics', statistics, 'polled_at', NOW)
redis.call('HDEL', key, 'unread_at', 'lost_at')
-- guard: poll-keeps-question
if not given_up then -- BSG does know it
  stop_asking(campaign, batch)
  redis.call('HDEL', key, 'error')
end
note_price(campaign, batch, price, currency)
if total ~= '' then redis.call('HSET', key, 'bsg_total_messages', total) end
if state == 'submitted' and not FINAL_AT_BSG[status] and not given_up  -- guard: poll-final-ends-stop
  and redis.call('HGET', campaign_key(campaign), 'cancelled') == '1'  -- guard: poll-stops-only-cancelled
  and not redis.call('ZSCORE', account_key(account, 'stops'), bsg_id) then
  order_stop(campaign, batch, account, bsg_id)  -- guard: poll-stops-cancelled
end
if final == '1' and state == 'submitted' then  -- guard: finished-once
  redis.call('HSET', key, 'finished_at', NOW)
  move(campaign, batch, 'finished', NOW + next_poll, 'BSG: ' .. status)
  state = 'finished'
elseif before ~= status then
  record_event(campaign, batch, state, state, 'BSG: ' .. status, before or '')
end
if number(next_poll) < 0 then
  redis.call('ZREM', live, batch_id(campaign, batch))
else
  redis.call('ZADD', live, NOW + next_poll, batch_id(campaign, batch))
end
return { state }
