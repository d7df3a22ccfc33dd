#!lua
-- Creates a campaign, or changes nothing.
local campaign, key, digest, messages, options, priority, deadline, name, start_at, closes_at, incarnation,
  queue, wake_up, max_cost, last, account_name, most = unpack(ARGV, 1, 17)
local FIRST_SIZE = 18
-- ARGV    times in milliseconds, '' for none; closes_at: a moment long ago for a campaign with sending hours, so that
--         they are asked for; incarnation to use for a new ledger; queue of the account's wake-ups and a wake-up for it
--         ('': none); max_cost: '' for no cap; last: the messages of the last chunk ('': stored like the others); most:
--         chunks that are added at once, the rest by add_chunks.lua; then the size of each chunk
-- Return  {accepted|duplicate, campaign, messages}, {conflict, campaign} or {missing}
-- Transition  (nothing) -> accepted. Repeating it after a lost reply returns `accepted` again, and wakes nobody again.
local idempotency = idempotency_key(key)
local known, known_digest, known_messages =
  string.match(redis.call('GET', idempotency) or '', '^(%S+) (%S+) (%d+)$')
if known == campaign then return { 'accepted', campaign, known_messages } end  -- guard: commit-repeated
if known and known_digest == digest then return { 'duplicate', known, known_messages } end  -- guard: known-key
if known then return { 'conflict', known } end  -- guard: known-key-conflict

local chunks, stored = #ARGV - FIRST_SIZE + 1, campaign_key(campaign, ':messages')
-- Chunks expire together. After that none is left, or only later ones.
-- guard: every-chunk-stored
if redis.call('HLEN', stored) ~= (last == '' and chunks or chunks - 1) then return { 'missing' } end
-- A wake-up that still waits in the queue serves this campaign as well. Redis refuses here who may not use the queue:
-- later, a campaign would be accepted that the caller believes refused.
-- guard: wake-up-waits-already
if queue ~= '' and redis.call('LLEN', queue) == 0 then redis.call('LPUSH', queue, wake_up) end
redis.call('HSETNX', LEDGER, 'incarnation', incarnation)  -- guard: ledger-keeps-name
redis.call('HSET', campaign_key(campaign), 'accepted_at', NOW, 'messages', messages, 'options', options,
  'priority', priority, 'deadline', deadline, 'name', name, 'idempotency_key', key, 'chunks', 0, 'account', '',
  'account_name', account_name, 'paused', '0', 'cancelled', '0', 'next_batch', 0, 'start_at', start_at,
  'closes_at', closes_at, 'messages:unprepared', messages)
redis.call('HINCRBY', MESSAGES, 'unprepared', messages)
if max_cost ~= '' then redis.call('HSET', campaign_key(campaign), 'max_cost', max_cost) end
if last ~= '' then redis.call('HSET', stored, chunks - 1, last) end
redis.call('PERSIST', stored)  -- guard: messages-persist
redis.call('SET', idempotency, campaign .. ' ' .. digest .. ' ' .. messages)  -- guard: key-remembered
redis.call('ZADD', CAMPAIGNS, NOW, campaign)
redis.call('ZADD', OPEN, NOW, campaign)  -- guard: accepted-is-open
redis.call('SADD', ACCOUNT_NAMES, account_name)
local at_once = math.min(chunks, number(most))
add_chunks(campaign, { unpack(ARGV, FIRST_SIZE, FIRST_SIZE + at_once - 1) })
for first = FIRST_SIZE + at_once, #ARGV, 1000 do
  redis.call('RPUSH', campaign_key(campaign, ':sizes'), unpack(ARGV, first, math.min(first + 999, #ARGV)))
end
-- A new campaign is unassigned, and has something to prepare.
redis.call('ZADD', account_key('-' .. account_name, 'due'), NOW, campaign)
redis.call('ZADD', DEADLINES, deadline, campaign)
if chunks > at_once then refresh_unfinished(campaign) end  -- guard: accept-is-finished
record_event(campaign, '', '', 'accepted', 'enqueued')
return { 'accepted', campaign, messages }
