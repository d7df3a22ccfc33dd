#!lua flags=allow-oom
-- Replaces the keys of a closed campaign by its record, unless anything has changed since they were read.
local campaign, record, token, pages, closed_for, last_event, most = unpack(ARGV, 1, 7)
local FIRST_FIELD = 8
-- ARGV    record: see compacted_record.py; token, pages: of its stored pages, and how many they are ('': it has none);
--         closed_for: how long it has to be closed (ms); last_event: the id of its last event; most: batches and chunks
--         that are removed at once, the rest by remove_compacted.lua; then (field, value) of the campaign as it was read
-- Return  {compacted}, {open} if the campaign is not closed for so long, or has steps or messages left, {changed}, or
--         {missing} if the pages have expired
-- Transition  none of states
local key = campaign_key(campaign)
local closed_at = redis.call('ZSCORE', CLOSED, campaign)
if not closed_at or NOW - closed_at < number(closed_for) then return { 'open' } end  -- guard: compact-closed-only
if redis.call('ZSCORE', UNFINISHED, campaign) then return { 'open' } end  -- guard: compact-finished-only
-- A cancelled campaign is closed before its stream lets go of it.
if redis.call('ZSCORE', COLLECTING, campaign) then return { 'open' } end  -- guard: compact-not-collecting
local forgotten, forget_from = get(key, 'bodies_forgotten_at', 'forget_from')
if not forgotten or forget_from then return { 'open' } end  -- guard: compact-beyond-retry

-- A change of a batch whose polls have ended has an event, or changes the campaign's own fields.
if redis.call('HLEN', key) ~= (#ARGV - FIRST_FIELD + 1) / 2 then return { 'changed' } end  -- guard: compact-no-field-added
for i = FIRST_FIELD, #ARGV, 2 do
  if redis.call('HGET', key, ARGV[i]) ~= ARGV[i + 1] then return { 'changed' } end  -- guard: compact-fields-as-read
end
local last = redis.call('XREVRANGE', key .. ':events', '+', '-', 'COUNT', 1)[1]
if (last and last[1] or '0') ~= last_event then return { 'changed' } end  -- guard: compact-events-as-read

if token ~= '' then
  local stored = pages_key(campaign) .. ':' .. token
  if redis.call('HLEN', stored) ~= number(pages) then return { 'missing' } end  -- guard: every-page-stored
  redis.call('RENAME', stored, pages_key(campaign))
  redis.call('PERSIST', pages_key(campaign))  -- guard: pages-persist
end
redis.call('SET', record_key(campaign), record)  -- guard: record-written
local batches, chunks = get(key, 'next_batch', 'chunks')
redis.call('HSET', campaign_key(campaign, ':left'), 'batches', number(batches), 'chunks', number(chunks))
unlink_campaign(campaign)
for _, index in ipairs({ CLOSED, DEADLINES }) do redis.call('ZREM', index, campaign) end
remove_some(campaign, number(most))
return { 'compacted' }
