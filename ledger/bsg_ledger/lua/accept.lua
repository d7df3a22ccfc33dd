#!lua
-- Makes a campaign exist, or nothing at all.
-- ARGV  1 campaign, 2 idempotency key, 3 content digest, 4 messages, 5 envelope (JSON, frozen), 6 priority,
--       7 deadline, 8 name, 9 window, 10 incarnation to use for a new ledger, 11 queue and 12 message of the first
--       doorbell ('' for none), 13 what it may cost at most ('': no cap), 14 messages of the last part
--       ('' if that is stored like the others), 15 name of the account that is to send it, 16... size of each part
-- Answer  {accepted|duplicate, campaign, messages}, {conflict, campaign} or {missing, part}
-- Transition  (nothing) -> accepted. Repeating it after a lost answer answers `accepted` again, and does not ring again.
local campaign, idempotency = ARGV[1], idempotency_key(ARGV[2])
local known, digest, messages = get(idempotency, 'campaign', 'digest', 'messages')
if known == campaign then return { 'accepted', campaign, messages } end  -- guard: commit-repeated
if known and digest == ARGV[3] then return { 'duplicate', known, messages } end  -- guard: known-key
if known then return { 'conflict', known } end  -- guard: known-key-conflict

local parts, last = #ARGV - 15, ARGV[14]
for part = 0, (last == '' and parts or parts - 1) - 1 do
  -- guard: every-chunk-stored
  if redis.call('EXISTS', part_key(campaign, part) .. ':messages') == 0 then return { 'missing', part } end
end
redis.call('HSETNX', LEDGER, 'incarnation', ARGV[10])  -- guard: ledger-keeps-name
redis.call('HSET', campaign_key(campaign), 'accepted_at', NOW, 'messages', ARGV[4], 'envelope', ARGV[5],
  'priority', ARGV[6], 'deadline', ARGV[7], 'name', ARGV[8], 'window', ARGV[9], 'idempotency_key', ARGV[2],
  'parts', parts, 'account', '', 'account_name', ARGV[15], 'paused', '0',
  'cancelled', '0', 'next_batch', 0)
if ARGV[13] ~= '' then redis.call('HSET', campaign_key(campaign), 'max_cost', ARGV[13]) end
if last ~= '' then redis.call('SET', part_key(campaign, parts - 1) .. ':messages', last) end
local first_index = 0
for part = 0, parts - 1 do
  local size = ARGV[16 + part]
  redis.call('PERSIST', part_key(campaign, part) .. ':messages')  -- guard: messages-persist
  redis.call('HSET', part_key(campaign, part), 'state', 'unprepared', 'size', size, 'first_index', first_index, 'losses', 0)
  redis.call('ZADD', campaign_key(campaign, ':parts'), NOW, part)
  first_index = first_index + number(size)
end
redis.call('HSET', idempotency, 'campaign', campaign, 'digest', ARGV[3], 'messages', ARGV[4])  -- guard: key-remembered
redis.call('ZADD', CAMPAIGNS, NOW, campaign)
redis.call('SADD', ACCOUNT_NAMES, ARGV[15])
count(campaign, 'unprepared', ARGV[4], 0)
refresh_prepare(campaign)
refresh_campaign(campaign)
record_event(campaign, '', '', 'accepted', 'enqueued')
if ARGV[12] ~= '' then redis.call('LPUSH', ARGV[11], ARGV[12]) end
return { 'accepted', campaign, ARGV[4] }
