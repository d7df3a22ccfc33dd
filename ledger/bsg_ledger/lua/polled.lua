#!lua flags=allow-oom
-- Records what BSG says of a submitted batch, with an event when its status changed.
-- ARGV  1 campaign, 2 batch, 3 BSG status, 4 final (1 or 0), 5 statistics (JSON), 6 price, 7 currency, 8 total messages
--       ('' unknown), 9 next poll (ms; -1: none)
-- Answer  {submitted | finished} or {stale}
-- Transition  submitted -> finished
local campaign, batch, status = ARGV[1], ARGV[2], ARGV[3]
local key = batch_key(campaign, batch)
local state, before, account = get(key, 'state', 'bsg_status')
if state ~= 'submitted' and state ~= 'finished' then return { 'stale' } end
local live = account_key(account_of(campaign), 'live')
redis.call('HSET', key, 'bsg_status', status, 'statistics', ARGV[5], 'polled_at', NOW)
redis.call('HDEL', key, 'asks', 'error') -- BSG does know it
note_price(campaign, batch, ARGV[6], ARGV[7])
if ARGV[8] ~= '' then redis.call('HSET', key, 'bsg_total_messages', ARGV[8]) end
if ARGV[4] == '1' and state == 'submitted' then
  redis.call('HSET', key, 'finished_at', NOW)
  move(campaign, batch, 'finished', NOW + ARGV[9], 'BSG: ' .. status)
  state = 'finished'
elseif before ~= status then
  record_event(campaign, batch, state, state, 'BSG: ' .. status, before or '')
end
if number(ARGV[9]) < 0 then
  redis.call('ZREM', live, batch_id(campaign, batch))
else
  redis.call('ZADD', live, NOW + ARGV[9], batch_id(campaign, batch))
end
return { state }
