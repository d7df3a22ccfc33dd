#!lua
-- Makes a campaign exist, or nothing at all.
local campaign, key, digest, messages, options, priority, deadline, name, start_at, closes_at, incarnation,
  queue, wake_up, max_cost, last, account_name = unpack(ARGV, 1, 16)
local FIRST_SIZE = 17
-- ARGV    times in milliseconds, '' for none; closes_at: a moment long ago for a campaign with sending hours, so that they are asked for;
--         incarnation to use for a new ledger; queue of the account's wake-ups and a wake-up for it ('': none); max_cost:
--         '' for no cap; last: the messages of the last chunk ('': stored like the others); then the size of each chunk
-- Return  {accepted|duplicate, campaign, messages}, {conflict, campaign} or {missing, chunk}
-- Transition  (nothing) -> accepted. Repeating it after a lost answer answers `accepted` again, and wakes nobody again.
local idempotency = idempotency_key(key)
local known, known_digest, known_messages = get(idempotency, 'campaign', 'digest', 'messages')
if known == campaign then return { 'accepted', campaign, known_messages } end  -- guard: commit-repeated
if known and known_digest == digest then return { 'duplicate', known, known_messages } end  -- guard: known-key
if known then return { 'conflict', known } end  -- guard: known-key-conflict

local chunks = #ARGV - FIRST_SIZE + 1
for chunk = 0, (last == '' and chunks or chunks - 1) - 1 do
  -- guard: every-chunk-stored
  if redis.call('EXISTS', chunk_key(campaign, chunk) .. ':messages') == 0 then return { 'missing', chunk } end
end
redis.call('HSETNX', LEDGER, 'incarnation', incarnation)  -- guard: ledger-keeps-name
redis.call('HSET', campaign_key(campaign), 'accepted_at', NOW, 'messages', messages, 'options', options,
  'priority', priority, 'deadline', deadline, 'name', name, 'idempotency_key', key, 'chunks', chunks, 'account', '',
  'account_name', account_name, 'paused', '0', 'cancelled', '0', 'next_batch', 0, 'start_at', start_at,
  'closes_at', closes_at)
if max_cost ~= '' then redis.call('HSET', campaign_key(campaign), 'max_cost', max_cost) end
if last ~= '' then redis.call('SET', chunk_key(campaign, chunks - 1) .. ':messages', last) end
local first_index = 0
for chunk = 0, chunks - 1 do
  local size = ARGV[FIRST_SIZE + chunk]
  redis.call('PERSIST', chunk_key(campaign, chunk) .. ':messages')  -- guard: messages-persist
  redis.call('HSET', chunk_key(campaign, chunk), 'state', 'unprepared', 'size', size, 'first_index', first_index, 'losses', 0)
  redis.call('ZADD', campaign_key(campaign, ':chunks'), NOW, chunk)
  first_index = first_index + number(size)
end
redis.call('HSET', idempotency, 'campaign', campaign, 'digest', digest, 'messages', messages)  -- guard: key-remembered
redis.call('ZADD', CAMPAIGNS, NOW, campaign)
redis.call('SADD', ACCOUNT_NAMES, account_name)
count(campaign, 'unprepared', messages, 0)
refresh_ready(campaign)
refresh_campaign(campaign)
record_event(campaign, '', '', 'accepted', 'enqueued')
-- A wake-up that still waits in the queue finds this campaign as well.
-- guard: wake-up-waits-already
if queue ~= '' and redis.call('LLEN', queue) == 0 then redis.call('LPUSH', queue, wake_up) end
return { 'accepted', campaign, messages }
