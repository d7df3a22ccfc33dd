#!lua
-- Accepts a message of a stream, or changes nothing.
local stream, options_digest, key, content, attempt, phone, reference_id, row, new_campaign, options, priority,
  account_name, max_cost, closes_at, lifetime, max_wait, batch_size, collect, length, most, key_retention, incarnation,
  queue, wake_up = unpack(ARGV)
-- ARGV    times in milliseconds. key, content: digests of the idempotency key and of the message; attempt: names this
--         call; reference_id: '' if it is generated; row: see collected.py; new_campaign: the id of a campaign that the
--         message may begin, with its options, closes_at (as of accept.lua) and max_cost ('': none); lifetime: the
--         message's deadline, from now; max_wait: for how long a batch may wait for more; collect: for how long a batch
--         takes up messages; length, most: of a campaign of the stream; queue of the account's wake-ups and one for it
-- Return  {accepted | duplicate, campaign, index}, {conflict, campaign, index}, {reference_id, campaign, index} if
--         another message has it, or {suppressed}
-- Transition  (nothing) -> pending. Repeating it with its attempt after a lost reply returns `accepted` again.
local stream_record = stream_key(stream)
local campaign, campaign_options, paused = get(stream_record, 'campaign', 'options', 'paused')

local known_campaign, known_index, known_content, known_attempt = message_with(stream, 'key ' .. key)
if known_campaign then
  -- The caller waits until its own writes are on disk. This one makes it wait for those of the first attempt too.
  redis.call('HSET', LEDGER, 'disk', '1')  -- guard: known-message-on-disk
  if known_attempt == attempt then return { 'accepted', known_campaign, known_index } end  -- guard: message-repeated
  if known_content == content then return { 'duplicate', known_campaign, known_index } end  -- guard: message-known
  return { 'conflict', known_campaign, known_index }
end
if redis.call('SISMEMBER', SUPPRESSED, phone) == 1 then return { 'suppressed' } end  -- guard: message-suppressed
if reference_id ~= '' then
  local other_campaign, other_index = message_with(stream, 'id ' .. reference_id)
  if other_campaign then return { 'reference_id', other_campaign, other_index } end  -- guard: message-id-unique
end

local function takes_up_messages()
  if not campaign or campaign_options ~= options_digest then return false end  -- guard: other-options-other-campaign
  local until_time, messages, batches, cancelled, deadline =
    get(campaign_key(campaign), 'collects_until', 'messages', 'next_batch', 'cancelled', 'deadline')
  if number(until_time) <= NOW then return false end  -- guard: campaign-collects-for-its-time
  -- guard: campaign-has-its-size
  if number(messages) >= number(most) or number(batches) >= MAX_BATCHES then return false end
  -- A retry may have given it an earlier deadline.
  if number(deadline) < NOW + lifetime then return false end  -- guard: campaign-outlives-message
  return cancelled ~= '1'  -- guard: cancelled-collects-nothing
end

local function begin_campaign()
  if campaign then stop_collecting(campaign) end  -- guard: one-campaign-collects
  campaign = new_campaign
  local collects_until = NOW + number(length)
  redis.call('HSETNX', LEDGER, 'incarnation', incarnation)
  redis.call('HSET', campaign_key(campaign), 'accepted_at', NOW, 'messages', 0, 'options', options, 'priority', priority,
    'deadline', collects_until + number(lifetime), 'name', stream, 'stream', stream, 'idempotency_key', '', 'chunks', 0,
    'account', '', 'account_name', account_name, 'paused', paused or '0', 'cancelled', '0', 'next_batch', 0,
    'closes_at', closes_at, 'collects_until', collects_until)
  if max_cost ~= '' then redis.call('HSET', campaign_key(campaign), 'max_cost', max_cost) end
  redis.call('HSET', stream_record, 'campaign', campaign, 'options', options_digest)
  redis.call('ZADD', CAMPAIGNS, NOW, campaign)
  redis.call('ZADD', COLLECTING, collects_until, campaign)  -- guard: collecting-ends
  redis.call('SADD', ACCOUNT_NAMES, account_name)
  redis.call('ZADD', stream_campaigns_key(stream), NOW, campaign)
  redis.call('ZADD', STREAMS, NOW, stream)
  record_event(campaign, '', '', 'accepted', 'begun by stream ' .. stream)
end

-- Returns the batch that takes up the message and its size, or nil. No request may have a phone twice.
local function collecting_batch()
  local batch = redis.call('HGET', campaign_key(campaign), 'collecting_batch')
  if not batch then return nil end
  local state, size, attempts, since = get(batch_key(campaign, batch), 'state', 'size', 'attempts', 'collects_from')
  if state ~= 'pending' or number(attempts) > 0 then return nil end  -- guard: batch-on-its-way-is-closed
  if number(size) >= number(batch_size) then return nil end  -- guard: full-batch-is-closed
  if NOW - number(since) >= number(collect) then return nil end  -- guard: old-batch-is-closed
  -- The clock was set back: the batch is due only when it has caught up.
  if number(since) > NOW then return nil end  -- guard: batch-of-later-is-closed
  -- guard: phone-twice-closes-batch
  if redis.call('SADD', campaign_key(campaign, ':collected'), phone) == 0 then return nil end
  return batch, number(size)
end

local function append(batch, index)
  -- guard: message-has-row
  redis.call('APPEND', batch_key(campaign, batch) .. ':messages', struct.pack('>I4I4', index, #row) .. row)
end

local function wake()
  -- guard: message-wakes-once
  if redis.call('LLEN', queue) == 0 then redis.call('LPUSH', queue, wake_up) end
end

local function open_batch(index)
  local batch = redis.call('HINCRBY', campaign_key(campaign), 'next_batch', 1) - 1
  redis.call('HSET', campaign_key(campaign), 'collecting_batch', batch)
  redis.call('DEL', campaign_key(campaign, ':collected'))
  redis.call('SADD', campaign_key(campaign, ':collected'), phone)
  redis.call('SET', batch_key(campaign, batch) .. ':messages', '\1')
  append(batch, index)
  redis.call('HSET', batch_key(campaign, batch), 'state', 'pending', 'size', 1, 'rows', index .. '+1', 'first_index', index,
    'not_before', NOW + max_wait, 'since', NOW, 'attempts', 0, 'collects_from', NOW, 'deadline', NOW + lifetime,
    'suppressions', suppressions())
  enter(campaign, batch, 'pending', NOW + max_wait)
  count(campaign, 'pending', 1, 1)
  record_event(campaign, batch, '', 'pending', 'collects messages')
  refresh_ready(campaign)
  refresh_campaign(campaign)
  wake()
end

local function take_up(batch, size, index)
  append(batch, index)
  redis.call('HSET', batch_key(campaign, batch), 'size', size + 1, 'rows', index - size .. '+' .. size + 1)
  count(campaign, 'pending', 1, 0)
  if size + 1 == number(batch_size) then  -- guard: full-batch-waits-no-more
    delay_batch(campaign, batch, NOW)
    wake()  -- guard: full-batch-wakes
  end
end

if not takes_up_messages() then begin_campaign() end
local index = redis.call('HINCRBY', campaign_key(campaign), 'messages', 1) - 1
local batch, size = collecting_batch()
if batch then take_up(batch, size, index) else open_batch(index) end
local accepted = table.concat({ campaign, index, content, attempt }, ' ')
remember_key(stream, key_retention, 'key ' .. key, accepted)
if reference_id ~= '' then remember_key(stream, key_retention, 'id ' .. reference_id, accepted) end
return { 'accepted', campaign, index }
