#!lua
-- Accepts messages of a stream, each on its own. It reads and writes the stream, the campaign and its batches once.
local stream, options_digest, new_campaign, options, priority, account_name, max_cost, max_cost_per_day, closes_at,
  lifetime, max_wait, batch_size, collect, length, most, key_retention, incarnation, queue, wake_up,
  in_order, most_batches = unpack(ARGV, 1, 21)
local FIRST_MESSAGE, FIELDS = 22, 6
-- ARGV    times in milliseconds. new_campaign: the id of a campaign that the call may begin, with its options, closes_at
--         (as of accept.lua), max_cost and max_cost_per_day ('': none); lifetime: the messages' deadline, from now;
--         max_wait: for how long a batch may wait for more; collect: for how long a batch takes up messages; length,
--         most: of a campaign of the stream; queue of the account's wake-ups and one for it; in_order: '1' if the first
--         message that is refused ends the call; most_batches: that the call opens. Then for each message key and
--         content: digests of the idempotency key and of the message; attempt: names this sending of it; phone;
--         reference_id: '' if it is generated; row: see collected.py
-- Return  four values for each message: accepted or duplicate, campaign, index, attempt that was accepted; conflict or
--         reference_id, and the same of the message that has the key or the id; or suppressed, '', 0, ''. There are fewer
--         if the call ended at a refused message, or if more new batches or a second new campaign are needed: then call
--         again for the others
-- Transition  (nothing) -> pending. Repeating it with its attempts after a lost reply returns `accepted` again.

-- Each sent batch stays a record until its campaign is forgotten, so a campaign has no more of them.
local MAX_BATCHES = 10000

local stream_record = stream_key(stream)
local collecting = collecting_field(options_digest)  -- guard: other-options-other-campaign
local campaign, paused, keys, keys_until = get(stream_record, collecting, 'paused', 'keys', 'keys_until')
keys = number(keys)

-- By the name of a key or a reference id: campaign, index, content and attempt of the message that has it.
local known, remembered, met_again = {}, {}, false

local function look_up(names)
  for keys_number = keys, keys - 1, -1 do  -- guard: key-known-across-keys
    local found = redis.call('HMGET', stream_keys_key(stream, keys_number), unpack(names))
    for i, name in ipairs(names) do known[name] = known[name] or found[i] end
  end
end

local function message_with(name)
  if known[name] then return string.match(known[name], '^(%w+) (%d+) (%S+) (%S+)$') end
end

local function remember(name, value)
  known[name] = value  -- guard: key-known-within-call
  remembered[#remembered + 1], remembered[#remembered + 2] = name, value
end

-- New keys go into one hash for the retention, which expires after another one: a key is known for one to two
-- retentions. The hash keeps the retention that it began with, if that of its callers changes.
local function write_keys()
  local over = number(keys_until) <= NOW
  if over then
    keys = keys + 1
    redis.call('HSET', stream_record, 'keys', keys, 'keys_until', NOW + key_retention)
  end
  for first = 1, #remembered, 2000 do  -- guard: message-key-remembered
    redis.call('HSET', stream_keys_key(stream, keys), unpack(remembered, first, math.min(first + 1999, #remembered)))
  end
  if over then redis.call('PEXPIRE', stream_keys_key(stream, keys), 2 * key_retention) end  -- guard: keys-expire
end

-- Returns the result of a message that is not accepted now, or was accepted earlier.
local function decided(key, content, attempt, is_suppressed, reference_id)
  local of_campaign, index, known_content, known_attempt = message_with('key ' .. key)
  if of_campaign then
    met_again = true
    if known_attempt == attempt then return 'accepted', of_campaign, index, attempt end  -- guard: message-repeated
    if known_content == content then return 'duplicate', of_campaign, index, known_attempt end  -- guard: message-known
    return 'conflict', of_campaign, index, known_attempt
  end
  if is_suppressed == 1 then return 'suppressed', '', 0, '' end  -- guard: message-suppressed
  if reference_id == '' then return nil end
  of_campaign, index, known_content, known_attempt = message_with('id ' .. reference_id)
  if of_campaign then return 'reference_id', of_campaign, index, known_attempt end  -- guard: message-id-unique
end

-- The campaign, and the batch that collects, as this call has changed them. What it has added is not written yet.
local collects_until, next_index, next_batch, cancelled, deadline, went_back_since
local batch, size, is_new
local rows, accepted, new_batches, is_ready = {}, 0, 0, false
-- Redis refuses here who may not use the queue: later, messages would be accepted and not known by their keys.
local queued = redis.call('LLEN', queue) > 0

local function read_campaign()
  local state, attempts, since, begun_after
  collects_until, next_index, next_batch, cancelled, deadline, begun_after, batch = get(campaign_key(campaign),
    'collects_until', 'messages', 'next_batch', 'cancelled', 'deadline', 'rollbacks', 'collecting_batch')
  collects_until, next_index, next_batch, deadline =
    number(collects_until), number(next_index), number(next_batch), number(deadline)
  went_back_since = number(begun_after) ~= rollbacks()
  if not batch then return end
  state, size, attempts, since = get(batch_key(campaign, batch), 'state', 'size', 'attempts', 'collects_from')
  size = number(size)
  if state ~= 'pending' or number(attempts) > 0 then batch = nil end  -- guard: batch-on-its-way-is-closed
  if NOW - number(since) >= number(collect) then batch = nil end  -- guard: old-batch-is-closed
  -- The clock was set back: the batch is due only when it has caught up.
  if number(since) > NOW then batch = nil end  -- guard: batch-of-later-is-closed
end

local function takes_up_messages()
  if not campaign then return false end
  if collects_until <= NOW then return false end  -- guard: campaign-collects-for-its-time
  if next_index >= number(most) or next_batch >= MAX_BATCHES then return false end  -- guard: campaign-has-its-size
  -- A retry may have given it an earlier deadline.
  if deadline < NOW + lifetime then return false end  -- guard: campaign-outlives-message
  if went_back_since then return false end  -- guard: campaign-before-rollback-collects-nothing
  return cancelled ~= '1'  -- guard: cancelled-collects-nothing
end

local function write_batch()
  if #rows == 0 then return end
  local key, first = batch_key(campaign, batch), next_index - size
  if is_new then
    redis.call('SET', key .. ':messages', '\1' .. table.concat(rows))
    redis.call('HSET', key, 'state', 'pending', 'size', size, 'rows', first .. '+' .. size, 'first_index', first,
      'not_before', NOW + max_wait, 'since', NOW, 'attempts', 0, 'collects_from', NOW, 'deadline', NOW + lifetime,
      'suppressions', suppressions())
    enter(campaign, batch, 'pending', NOW + max_wait)
    redis.call('ZADD', campaign_key(campaign, ':deadlines'), NOW + lifetime, batch)
    record_event(campaign, batch, '', 'pending', 'collects messages')
    is_ready = true
  else
    redis.call('APPEND', key .. ':messages', table.concat(rows))
    redis.call('HSET', key, 'size', size, 'rows', first .. '+' .. size)
  end
  count(campaign, 'pending', #rows, is_new and 1 or 0)
  if size == number(batch_size) then
    delay_batch(campaign, batch, NOW)  -- guard: full-batch-waits-no-more
    is_ready = true  -- guard: full-batch-wakes
  end
  rows, is_new = {}, false
end

local function write_campaign()
  if accepted == 0 then return end
  write_batch()
  redis.call('HSET', campaign_key(campaign), 'messages', next_index, 'next_batch', next_batch, 'collecting_batch', batch)
  if is_ready then
    refresh_ready(campaign)
    refresh_campaign(campaign)
    if not queued then redis.call('LPUSH', queue, wake_up) end  -- guard: message-wakes-once
    queued = true
  end
  accepted, is_ready = 0, false
end

local function begin_campaign()
  write_campaign()
  if campaign then stop_collecting(campaign) end  -- guard: one-campaign-collects
  campaign, collects_until = new_campaign, NOW + number(length)
  next_index, next_batch, cancelled, deadline, batch = 0, 0, '0', collects_until + number(lifetime), nil
  went_back_since = false
  redis.call('HSETNX', LEDGER, 'incarnation', incarnation)
  redis.call('HSET', campaign_key(campaign), 'accepted_at', NOW, 'messages', 0, 'options', options, 'priority', priority,
    'deadline', deadline, 'name', stream, 'stream', stream, 'idempotency_key', '', 'chunks', 0, 'account', '',
    'account_name', account_name, 'paused', paused or '0', 'cancelled', '0', 'next_batch', 0, 'closes_at', closes_at,
    'collects_until', collects_until, 'options_digest', options_digest, 'rollbacks', rollbacks())
  if max_cost ~= '' then redis.call('HSET', campaign_key(campaign), 'max_cost', max_cost) end
  -- guard: day-cost-of-options
  if max_cost_per_day ~= '' then redis.call('HSET', campaign_key(campaign), 'max_cost_per_day', max_cost_per_day) end
  redis.call('HSET', stream_record, collecting, campaign)
  redis.call('ZADD', CAMPAIGNS, NOW, campaign)
  redis.call('ZADD', COLLECTING, collects_until, campaign)  -- guard: collecting-ends
  redis.call('SADD', ACCOUNT_NAMES, account_name)
  redis.call('ZADD', stream_campaigns_key(stream), NOW, campaign)
  redis.call('ZADD', STREAMS, NOW, stream)
  record_event(campaign, '', '', 'accepted', 'begun by stream ' .. stream)
end

-- Returns whether the batch takes up a message to the phone. No request may have a phone twice.
local function can_take_up(phone)
  if not batch then return false end
  if size >= number(batch_size) then return false end  -- guard: full-batch-is-closed
  return redis.call('SADD', campaign_key(campaign, ':collected'), phone) == 1  -- guard: phone-twice-closes-batch
end

local function open_batch(phone)
  write_batch()
  batch, size, is_new, next_batch, new_batches = next_batch, 0, true, next_batch + 1, new_batches + 1
  redis.call('DEL', campaign_key(campaign, ':collected'))
  redis.call('SADD', campaign_key(campaign, ':collected'), phone)
end

local function take_up(row)
  rows[#rows + 1] = struct.pack('>I4I4', next_index, #row) .. row  -- guard: message-has-row
  size, next_index, accepted = size + 1, next_index + 1, accepted + 1
end

local names, phones = {}, {}
for first = FIRST_MESSAGE, #ARGV, FIELDS do
  names[#names + 1], phones[#phones + 1] = 'key ' .. ARGV[first], ARGV[first + 3]
  if ARGV[first + 4] ~= '' then names[#names + 1] = 'id ' .. ARGV[first + 4] end
end
look_up(names)
local suppressed = redis.call('SMISMEMBER', SUPPRESSED, unpack(phones))
if campaign then read_campaign() end
local results, has_begun = {}, false
for first = FIRST_MESSAGE, #ARGV, FIELDS do
  local key, content, attempt, phone, reference_id, row = unpack(ARGV, first, first + FIELDS - 1)
  local kind, of_campaign, index, accepted_attempt =
    decided(key, content, attempt, suppressed[(first - FIRST_MESSAGE) / FIELDS + 1], reference_id)
  if not kind then
    if not takes_up_messages() then
      if has_begun then break end  -- guard: second-campaign-needs-another-id
      begin_campaign()
      has_begun = true
    end
    kind, of_campaign, index, accepted_attempt = 'accepted', campaign, next_index, attempt
    if not can_take_up(phone) then open_batch(phone) end
    take_up(row)
    local accepted_message = table.concat({ campaign, index, content, attempt }, ' ')
    remember('key ' .. key, accepted_message)
    if reference_id ~= '' then remember('id ' .. reference_id, accepted_message) end
  end
  local last = #results
  results[last + 1], results[last + 2], results[last + 3], results[last + 4] = kind, of_campaign, index, accepted_attempt
  if new_batches == number(most_batches) then break end  -- guard: many-batches-end-call
  -- guard: refused-ends-call
  if in_order == '1' and kind ~= 'accepted' and kind ~= 'duplicate' then break end
end
write_campaign()
if #remembered > 0 then write_keys() end
-- The caller waits until its own writes are on disk. This one makes it wait for those of the first attempt too.
if met_again then redis.call('HSET', LEDGER, 'disk', '1') end  -- guard: known-message-on-disk
return results
