-- Read before every other script of this folder, after keys.lua: the few moves that all of them share.
-- Times are milliseconds of Redis's own clock. A batch's id is CAMPAIGN-NUMBER.

local clock = redis.call('TIME')
local NOW = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function number(value) return tonumber(value or 0) or 0 end
local function batch_id(campaign, batch) return campaign .. '-' .. batch end

local function get(key, ...) return unpack(redis.call('HMGET', key, ...)) end

-- What the limiter of the workers reads and writes, too: microseconds of Redis's clock.
local function limit_key(account) return account_key(account, 'limit:submit') end
local function cool_down_key(account) return account_key(account, 'cool-down') end

-- Rule 10: a campaign is assigned to the first account that takes something of it, for good.
local function assign_account(campaign, account)
  local owner, named = get(campaign_key(campaign), 'account', 'account_name')
  if owner ~= '' then return end  -- guard: first-account-stays
  redis.call('ZREM', account_key('-' .. named, 'due'), campaign)
  redis.call('HSET', campaign_key(campaign), 'account', account)
end

local function account_of(campaign)
  local owner, named = get(campaign_key(campaign), 'account', 'account_name')
  return owner and owner ~= '' and owner or '-' .. (named or '')
end

-- Every transition, once, in the campaign's stream and in the feed. By the sequence a reader who comes too late is
-- noticed, and so is a ledger that went back.
local function record_event(campaign, batch, from, to, cause, detail)
  local sequence = redis.call('HINCRBY', LEDGER, 'sequence', 1)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', FEED_LENGTH, '*', 'campaign', campaign, 'at', NOW, 'batch', batch,
    'from', from, 'to', to, 'cause', cause, 'detail', detail or '', 'sequence', sequence)
  redis.call('XADD', campaign_key(campaign, ':events'), '*', 'at', NOW, 'batch', batch, 'from', from, 'to', to,
    'cause', cause, 'detail', detail or '', 'sequence', sequence)
end

-- What was suppressed before there were sources is from here.
local function add_suppression_source(source)
  if redis.call('EXISTS', SUPPRESSION_SOURCES) == 0 then
    redis.call('SADD', SUPPRESSION_SOURCES, 'here')
    redis.call('SUNIONSTORE', suppressed_from('here'), SUPPRESSED)
  end
  redis.call('SADD', SUPPRESSION_SOURCES, source)
end

-- Suppresses the phones from an argument on; returns how many were not suppressed before.
local function suppress(source, first)
  add_suppression_source(source)
  redis.call('SADD', suppressed_from(source), unpack(ARGV, first))
  local added = redis.call('SADD', SUPPRESSED, unpack(ARGV, first))
  if added > 0 then redis.call('HINCRBY', LEDGER, 'suppressions', 1) end  -- guard: new-suppression-counted
  return added
end

-- Which list of suppressed phones a batch is held against; 0: there has never been one.
local function suppressions() return number(redis.call('HGET', LEDGER, 'suppressions')) end

local function earliest(zset)
  local first = redis.call('ZRANGE', zset, 0, 0, 'WITHSCORES')
  return first[1], tonumber(first[2])
end

-- Fairness: an account serves its campaigns in the order of their virtual time (`pass`). A request moves its campaign on
-- by a stride, so that a campaign of high priority is served four times as often as one of normal priority. Those that
-- have had no request yet are new: they stand before all others, in the order in which they came and by priority.
local STRIDE = { high = 1, normal = 4, low = 16 }
local LINE = { high = 0, normal = 10000, low = 100000 }
local BEFORE_ALL = -1000000000

-- So many batches of a campaign, and so many campaigns of an account, are prepared before there is a slot for them.
local AHEAD = 8

local function virtual_time(value) return string.format('%.3f', value) end

-- The virtual time of a campaign that has something to do again: what others were served meanwhile is not made up for.
local function join(campaign, account)
  local key, clock_key = campaign_key(campaign), account_key(account, 'dispatch')
  local pass, priority = get(key, 'pass', 'priority')
  local virtual = number(redis.call('HGET', clock_key, 'virtual'))
  if not pass then
    pass = BEFORE_ALL + LINE[priority] + redis.call('HINCRBY', clock_key, 'joined', 1)
    redis.call('HSET', key, 'joined', virtual_time(virtual))
  elseif number(pass) >= 0 then
    pass = math.max(number(pass), virtual)  -- guard: absence-made-up-for-by-nothing
  end
  redis.call('HSET', key, 'pass', virtual_time(pass))
  return virtual_time(pass)
end

local function keep_in(index, campaign, score)
  if score then redis.call('ZADD', index, score, campaign) else redis.call('ZREM', index, campaign) end
end

local function later_than_now(zset)
  return tonumber(redis.call('ZRANGEBYSCORE', zset, '(' .. NOW, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2])
end

local function earlier(first, second)
  if first and second then return math.min(first, second) end
  return first or second
end

-- Keep the campaign in the indexes of those that have something to send or to prepare, now or later. It follows from the
-- campaign's own record: nobody has to remember to set it.
local function refresh_ready(campaign)
  local key = campaign_key(campaign)
  local account, paused, cancelled, deadline, opens_at, held_until =
    get(key, 'account', 'paused', 'cancelled', 'deadline', 'opens_at', 'held_until')
  if not account then return end
  local send_at, prepare_at
  -- guard: ready-while-it-may-go-on
  if paused ~= '1' and cancelled ~= '1' and number(deadline) > NOW then
    local _, batch_at = earliest(key .. ':due')
    send_at = batch_at and math.max(batch_at, number(opens_at), number(held_until))  -- guard: ready-when-due
    _, prepare_at = earliest(key .. ':chunks')
  end
  if account == '' then
    return keep_in(account_key(account_of(campaign), 'due'), campaign, earlier(send_at, prepare_at))
  end
  local sendable, preparable = account_key(account, 'sendable'), account_key(account, 'preparable')
  local can_send = send_at and send_at <= NOW
  local can_prepare = prepare_at and prepare_at <= NOW
  -- guard: chunks-not-too-far-ahead
  if can_prepare and redis.call('ZCARD', key .. ':due') + redis.call('ZCOUNT', key .. ':chunks', '(' .. NOW, '+inf') >= AHEAD then
    -- Far enough ahead: until a batch leaves, which comes here again, or the lease of a chunk ends.
    can_prepare, prepare_at = false, later_than_now(key .. ':chunks')  -- guard: lost-chunk-leases-noticed
  end
  local pass
  if can_send or can_prepare then
    pass = redis.call('ZSCORE', sendable, campaign) or redis.call('ZSCORE', preparable, campaign)
    pass = pass and redis.call('HGET', key, 'pass') or join(campaign, account)
  end
  keep_in(sendable, campaign, can_send and pass)
  keep_in(preparable, campaign, can_prepare and pass)
  local send_later, prepare_later = send_at and send_at > NOW and send_at, prepare_at and prepare_at > NOW and prepare_at
  keep_in(account_key(account, 'due'), campaign, earlier(send_later, prepare_later))
end

local UNSENT = { 'messages:unprepared', 'messages:pending', 'messages:posting', 'messages:unconfirmed' }

-- The state of a closed campaign: the last lines of `campaign_state` in states.py.
local function final_state(cancelled, finished, expired)
  if cancelled == '1' then return 'cancelled' end
  if number(finished) > 0 then return 'done' end
  return number(expired) > 0 and 'expired' or 'failed'
end

-- Each end is recorded once: when the campaign's record changes, and not when something of a closed campaign does.
local function refresh_end(campaign, closed)
  local key = campaign_key(campaign)
  local before, paused, cancelled, finished, expired =
    get(key, 'ended', 'paused', 'cancelled', 'messages:finished', 'messages:expired')
  local now = closed and final_state(cancelled, finished, expired)
  if before == now then return end  -- guard: end-recorded-once
  if now then redis.call('HSET', key, 'ended', now) else redis.call('HDEL', key, 'ended') end  -- guard: end-taken-back
  local open = paused == '1' and 'paused' or 'running'
  record_event(campaign, '', before or open, now or open, now and 'ended' or 'goes on')
end

-- Closed, end and deadline follow from the counts: nobody has to remember to set them.
local function refresh_campaign(campaign)
  local key, unsent = campaign_key(campaign), 0
  for _, count in ipairs(redis.call('HMGET', key, unpack(UNSENT))) do unsent = unsent + number(count) end
  if unsent > 0 then
    redis.call('ZADD', DEADLINES, redis.call('HGET', key, 'deadline'), campaign)
  else
    redis.call('ZREM', DEADLINES, campaign)
  end
  -- guard: open-while-unsent-or-at-bsg
  if unsent == 0 and number(redis.call('HGET', key, 'messages:submitted')) == 0 then
    redis.call('ZADD', CLOSED, 'NX', NOW, campaign)
    refresh_end(campaign, true)
  else
    redis.call('ZREM', CLOSED, campaign)
    refresh_end(campaign, false)
  end
end

-- Subtract from zero to take away: Lua writes minus nothing as -0, which Redis 7 refuses.
local function count(campaign, state, messages, batches)
  redis.call('HINCRBY', campaign_key(campaign), 'messages:' .. state, messages)
  redis.call('HINCRBY', MESSAGES, state, messages)
  if batches ~= 0 then redis.call('HINCRBY', campaign_key(campaign), 'batches:' .. state, batches) end
end

-- A batch waits in one due index for each state. Its score is the time at which a worker has to look at it.
local INDEX_OF = { posting = 'leases', unconfirmed = 'doubt', submitted = 'live', finished = 'live' }

-- The statuses at BSG in which messages are held or lost: each has an index of the batches in it.
local HELD_AT_BSG = { paused = 'paused-at-bsg', moderation = 'in-moderation', spam = 'spam-at-bsg' }

-- BSG's status of the batch's campaign. Returns the one before.
local function note_status(campaign, batch, status)
  local key, account, id = batch_key(campaign, batch), account_of(campaign), batch_id(campaign, batch)
  local before = redis.call('HGET', key, 'bsg_status')
  redis.call('HSET', key, 'bsg_status', status)
  if before == status then return before end
  redis.call('HSET', key, 'bsg_status_at', NOW)
  if HELD_AT_BSG[before] then redis.call('ZREM', account_key(account, HELD_AT_BSG[before]), id) end
  if HELD_AT_BSG[status] then redis.call('ZADD', account_key(account, HELD_AT_BSG[status]), NOW, id) end
  return before
end

local function leave(campaign, batch, state)
  if state == 'pending' then
    redis.call('ZREM', campaign_key(campaign, ':due'), batch)
  elseif INDEX_OF[state] then
    redis.call('ZREM', account_key(account_of(campaign), INDEX_OF[state]), batch_id(campaign, batch))
  end
end

local function enter(campaign, batch, state, at)
  if state == 'pending' then
    redis.call('ZADD', campaign_key(campaign, ':due'), at, batch)
  elseif INDEX_OF[state] then
    redis.call('ZADD', account_key(account_of(campaign), INDEX_OF[state]), at, batch_id(campaign, batch))
  end
end

local function stop_asking(campaign, batch)
  if redis.call('HDEL', batch_key(campaign, batch), 'needs_operator') == 1 then
    redis.call('ZREM', account_key(account_of(campaign), 'needs-operator'), batch_id(campaign, batch))
    redis.call('HDEL', batch_key(campaign, batch), 'operator_reason', 'no_trace')
  end
end

-- A move without what follows for the campaign: who moves many batches refreshes it once, at the end.
local function change_state(campaign, batch, to, at, cause, detail)
  local key = batch_key(campaign, batch)
  local from, size = get(key, 'state', 'size')
  leave(campaign, batch, from)
  count(campaign, from, 0 - number(size), -1)
  count(campaign, to, number(size), 1)
  redis.call('HSET', key, 'state', to, 'since', NOW)
  stop_asking(campaign, batch) -- an operator was asked about the state before
  if to == 'pending' then redis.call('HSET', key, 'not_before', at) end
  if INDEX_OF[to] ~= 'leases' then redis.call('HDEL', key, 'token', 'lease_until') end  -- guard: token-ends-with-lease
  enter(campaign, batch, to, at)
  record_event(campaign, batch, from, to, cause, detail)
end

local function move(campaign, batch, to, at, cause, detail)
  change_state(campaign, batch, to, at, cause, detail)
  refresh_ready(campaign)
  refresh_campaign(campaign)
end

-- Back to waiting, unless the campaign has been cancelled or its deadline has passed meanwhile.
local function move_back(campaign, batch, at, cause, detail)
  local cancelled, deadline = get(campaign_key(campaign), 'cancelled', 'deadline')
  if cancelled == '1' then  -- guard: cancelled-is-not-sent-again
    move(campaign, batch, 'cancelled', 0, cause .. ', campaign cancelled', detail)
    return 'cancelled'
  elseif number(deadline) <= NOW then  -- guard: expired-is-not-sent-again
    move(campaign, batch, 'expired', 0, cause .. ', deadline passed', detail)
    return 'expired'
  end
  move(campaign, batch, 'pending', at, cause, detail)
  return 'pending'
end

-- What BSG asks for a batch, and with it what the campaign has cost so far, of so many messages.
local function note_price(campaign, batch, price, currency)
  if price == '' then return end
  local key = batch_key(campaign, batch)
  local before, size = get(key, 'price', 'size')
  redis.call('HSET', key, 'price', price, 'currency', currency)
  redis.call('HINCRBYFLOAT', campaign_key(campaign), 'cost', string.format('%.6f', number(price) - number(before)))
  if not before then redis.call('HINCRBY', campaign_key(campaign), 'priced', size) end
  if number(size) > 0 then
    redis.call('HSET', account_key(account_of(campaign), 'gate'), 'message_price', string.format('%.6f', number(price) / number(size)))
  end
  -- What waited for a price need not wait any more.
  if redis.call('HDEL', campaign_key(campaign), 'held_until') == 1 then refresh_ready(campaign) end  -- guard: price-ends-wait
end

-- Whether the campaign's max_cost lets a batch be sent: yes, wait, or why not, and what all would cost with the batch.
-- One batch shows what a message costs; until its price is known the others wait.
local function affordable(campaign, batch, most)
  local set, cost, priced, posting, in_doubt_too, submitted, finished = get(campaign_key(campaign), 'max_cost',
    'cost', 'priced', 'messages:posting', 'messages:unconfirmed', 'messages:submitted',
    'messages:finished')
  most = most or set
  if not most then return 'yes' end
  local on_the_way = number(posting) + number(in_doubt_too)
  local taken = number(submitted) + number(finished)
  if number(priced) == 0 then
    if on_the_way + number(submitted) > 0 then return 'wait' end
    if taken == 0 then return 'yes' end
    return 'BSG reports no price, and max_cost is set', ''
  end
  local size = number(redis.call('HGET', batch_key(campaign, batch), 'size'))
  local unpriced = math.max(0, taken - number(priced))
  -- guard: under-way-counts-as-spent
  local total = number(cost) + number(cost) / number(priced) * (on_the_way + unpriced + size)
  if total <= number(most) + 0.000001 then return 'yes' end
  return 'the next batch would pass max_cost ' .. most, string.format('%.6f', total)
end

-- Why a worker could not read the campaign's messages, and when it last tried. What is old says nothing.
local function note_unreadable(campaign, cause)
  redis.call('HSET', campaign_key(campaign), 'unreadable', cause, 'unreadable_at', NOW)
end

-- The fence: only the holder of the token may go on. A batch has one only while it may be on the wire.
local function held(campaign, batch, token)
  return redis.call('HGET', batch_key(campaign, batch), 'token') == token  -- guard: fence
end

-- Keeps that a batch has or had a BSG campaign besides the one that counts. Responses whether that is new.
local function add_other(campaign, batch, bsg_id)
  local key = batch_key(campaign, batch)
  local others = redis.call('HGET', key, 'other_bsg_campaign_ids')
  if others and string.find(',' .. others .. ',', ',' .. bsg_id .. ',', 1, true) then return false end
  redis.call('HSET', key, 'other_bsg_campaign_ids', others and (others .. ',' .. bsg_id) or bsg_id)
  return true
end

local function remove_other(campaign, batch, bsg_id)
  local key, kept = batch_key(campaign, batch), {}
  for other in string.gmatch(redis.call('HGET', key, 'other_bsg_campaign_ids') or '', '%d+') do
    if other ~= bsg_id then kept[#kept + 1] = other end
  end
  if #kept > 0 then
    redis.call('HSET', key, 'other_bsg_campaign_ids', table.concat(kept, ','))
  else
    redis.call('HDEL', key, 'other_bsg_campaign_ids')
  end
end

-- `kind` says what about: doubt, lost (BSG does not know the campaign that it named), unread (BSG says nothing of use
-- about it) or unstopped (BSG does not know what it has to stop). `no_trace`: BSG surely does not have the batch, as
-- far as reads can show. A question for another reason is recorded anew.
local function ask_operator(campaign, batch, state, kind, why, no_trace)
  local key = batch_key(campaign, batch)
  local needs_operator, before = get(key, 'needs_operator', 'operator_reason')
  redis.call('HSET', key, 'needs_operator', kind, 'operator_reason', why)
  if no_trace then redis.call('HSET', key, 'no_trace', '1') else redis.call('HDEL', key, 'no_trace') end
  redis.call('ZADD', account_key(account_of(campaign), 'needs-operator'), 'NX', NOW, batch_id(campaign, batch))
  -- guard: operator-asked-once
  if needs_operator ~= kind or before ~= why then record_event(campaign, batch, state, state, 'an operator has to decide', why) end
end

local FINAL_AT_BSG = { done = true, stopped = true, spam = true }

-- A stop is tried again at least so often, for as long as BSG has not called the campaign final.
local MAX_STOP_WAIT = 600000

local function forget_refusals(account, bsg_id)
  redis.call('HDEL', account_key(account, 'stop-refusals'), bsg_id, bsg_id .. ':since', bsg_id .. ':denied')
end

-- Puts a BSG campaign down to be stopped, as if nobody had tried yet.
local function order_stop(campaign, batch, account, bsg_id)
  redis.call('HDEL', batch_key(campaign, batch), 'unstopped:' .. bsg_id)
  forget_refusals(account, bsg_id)
  redis.call('ZADD', account_key(account, 'stops'), NOW, bsg_id)
end

-- Rule 2: a clear no speaks for its own attempt only.
local function in_doubt(campaign, batch)
  return redis.call('HGET', batch_key(campaign, batch), 'doubt') == '1'  -- guard: doubt-is-remembered
end

local function to_doubt(campaign, batch, look_after, cause, detail)
  redis.call('HSET', batch_key(campaign, batch), 'doubt', '1')  -- guard: doubt-is-recorded
  move(campaign, batch, 'unconfirmed', NOW + look_after, cause, detail)
end

-- A waiting batch goes on waiting, until another time.
local function delay_batch(campaign, batch, at)
  redis.call('HSET', batch_key(campaign, batch), 'not_before', at)
  redis.call('ZADD', campaign_key(campaign, ':due'), at, batch)
  refresh_ready(campaign)
end

-- Whether a batch waits with the messages that somebody read. If it was sent since, it was held against another list.
local function waits_unchanged(campaign, batch, size, held_against)
  local state, size_now, list = get(batch_key(campaign, batch), 'state', 'size', 'suppressions')
  return state == 'pending' and size_now == size and number(list) == number(held_against)  -- guard: read-batch-unchanged
end

-- Nothing of the request has left: the batch is as it was before its intent.
local function withdraw(campaign, batch, delay, cause, next_look)
  redis.call('HSET', batch_key(campaign, batch), 'error', cause)
  if in_doubt(campaign, batch) then  -- guard: withdraw-keeps-doubt
    to_doubt(campaign, batch, next_look, cause .. ', an earlier attempt is in doubt')
    return 'unconfirmed'
  end
  return move_back(campaign, batch, NOW + delay, cause)
end

-- One reject an index, so that telling one twice counts once. Responses how many were new.
local function reject(campaign, first, last)
  local rejects, added = campaign_key(campaign, ':rejects'), 0
  for i = first, last, 2 do
    if redis.call('ZCOUNT', rejects, ARGV[i], ARGV[i]) == 0 then  -- guard: reject-counts-once
      redis.call('ZADD', rejects, ARGV[i], ARGV[i + 1])
      added = added + 1
    end
  end
  return added
end

-- Upkeep takes the steps that are left, should the process that takes them die.
local function refresh_unfinished(campaign)
  local stop_from, retry_from, carry_from = get(campaign_key(campaign), 'stop_from', 'retry_from', 'carry_from')
  local left = redis.call('EXISTS', campaign_key(campaign, ':committed'), campaign_key(campaign, ':sizes'))
  if stop_from or retry_from or carry_from or left > 0 then
    redis.call('ZADD', UNFINISHED, 'NX', NOW, campaign)
  else
    redis.call('ZREM', UNFINISHED, campaign)
  end
end

-- Adds chunks of these sizes behind those that the campaign has.
local function add_chunks(campaign, sizes)
  local key = campaign_key(campaign)
  local chunk, first_index = get(key, 'chunks', 'next_index')
  chunk, first_index = number(chunk), number(first_index)
  for _, size in ipairs(sizes) do
    redis.call('HSET', chunk_key(campaign, chunk), 'state', 'unprepared', 'size', size, 'first_index', first_index, 'losses', 0)
    redis.call('ZADD', key .. ':chunks', NOW, chunk)
    chunk, first_index = chunk + 1, first_index + number(size)
  end
  redis.call('HSET', key, 'chunks', chunk, 'next_index', first_index)
end

-- Adds some of the chunks that are left. Returns whether there were any.
local function add_chunks_left(campaign, most)
  local sizes = redis.call('LPOP', campaign_key(campaign, ':sizes'), most)
  if not sizes then return false end
  add_chunks(campaign, sizes)
  refresh_ready(campaign)
  refresh_unfinished(campaign)
  return true
end

-- Adds batches (size, rows, body) and rejects ('', index, JSON row) that a chunk was prepared to.
local function add_prepared(campaign, chunk, items)
  local held_against, pending, batches, rejected = redis.call('HGET', chunk_key(campaign, chunk), 'suppressions'), 0, 0, 0
  for i = 1, #items, 3 do
    if items[i] == '' then
      redis.call('ZADD', campaign_key(campaign, ':rejects'), items[i + 1], items[i + 2])
      rejected = rejected + 1
    else
      local batch = redis.call('HINCRBY', campaign_key(campaign), 'next_batch', 1) - 1
      redis.call('SET', batch_key(campaign, batch) .. ':messages', items[i + 2])
      redis.call('HSET', batch_key(campaign, batch), 'state', 'pending', 'size', items[i], 'rows', items[i + 1], 'chunk', chunk,
        'not_before', NOW, 'since', NOW, 'attempts', 0)
      if held_against then redis.call('HSET', batch_key(campaign, batch), 'suppressions', held_against) end
      enter(campaign, batch, 'pending', NOW)
      record_event(campaign, batch, '', 'pending', 'prepared')
      pending, batches = pending + number(items[i]), batches + 1
    end
  end
  count(campaign, 'unprepared', 0 - pending - rejected, 0)
  if batches > 0 then count(campaign, 'pending', pending, batches) end
  if rejected > 0 then count(campaign, 'rejected', rejected, 0) end
  refresh_ready(campaign)
  refresh_campaign(campaign)
end

-- Rejects some of the messages of a chunk that was given up. Returns whether there were others.
local function reject_some(campaign, chunk, most)
  local size, first_index, rejected = get(chunk_key(campaign, chunk), 'size', 'first_index', 'rejected')
  local from = number(rejected)
  local to = math.min(from + number(most), number(size))
  for index = number(first_index) + from, number(first_index) + to - 1 do
    redis.call('ZADD', campaign_key(campaign, ':rejects'), index, cjson.encode({ index = index,
      field = '', code = 'unprocessable', message = 'preparing this chunk ended its process again and again' }))
  end
  redis.call('HSET', chunk_key(campaign, chunk), 'rejected', to)  -- guard: given-up-rejected-once
  count(campaign, 'unprepared', from - to, 0)
  count(campaign, 'rejected', to - from, 0)
  refresh_campaign(campaign)
  return to < number(size)
end

-- Adds some of what was committed. Returns whether there was anything to be added.
local function add_committed(campaign, most)
  local committed = campaign_key(campaign, ':committed')
  local chunk = earliest(committed)
  if not chunk then return false end
  local more
  if redis.call('HGET', chunk_key(campaign, chunk), 'state') == 'failed' then
    more = reject_some(campaign, chunk, most)
  else
    local staged = chunk_key(campaign, chunk) .. ':staged'
    add_prepared(campaign, chunk, redis.call('LPOP', staged, 3 * most) or {})
    more = redis.call('EXISTS', staged) == 1
  end
  if not more then
    redis.call('ZREM', committed, chunk)
    refresh_unfinished(campaign)
  end
  return true
end

-- guard: gate-shut
local function gate_shut(account) return redis.call('HGET', account_key(account, 'gate'), 'state') == 'shut' end
local function gate_half_open(account) return redis.call('HGET', account_key(account, 'gate'), 'state') == 'half_open' end

-- A half-open gate lets one batch through at a time: its trial. Whether a batch is it.
local function has_trial(account, campaign, batch, token)
  return gate_half_open(account)
    -- guard: only-the-trial-decides
    and redis.call('HGET', account_key(account, 'gate'), 'trial') == batch_id(campaign, batch) .. ':' .. token
end

-- Whether a batch is on trial now. Only its state says so: who gives a batch back, or dies, need not end its trial.
local function trial_runs(account)
  local trial = redis.call('HGET', account_key(account, 'gate'), 'trial') or ''
  local campaign, batch, token = string.match(trial, '^(.*)-(%d+):(.*)$')
  if not campaign then return false end
  return held(campaign, batch, token)
end

-- How long after its last note a process may still have a key: they note it every ten seconds.
local KEY_IN_USE = 30000

local function key_in_use(account) return NOW - number(redis.call('ZSCORE', ACCOUNT_KEYS, account)) < KEY_IN_USE end

-- What no probe opens.
local PERMANENT = { operator = true, ledger_went_back = true }  -- guard: permanent-reasons

-- How long a gate that doubts have shut lets nothing through (ms): twice as long after each trial without a clear response.
local FIRST_BACKOFF, MAX_BACKOFF = 15000, 600000

-- An operator's word stands over what a probe opens, a ledger that went back over both: it covers that word meanwhile.
-- Returns whether that changed anything.
local function shut_gate(account, reason, by)
  local key = account_key(account, 'gate')
  local before = gate_shut(account) and redis.call('HGET', key, 'reason')
  -- guard: rollback-covers-operator
  if (before == 'operator' and reason == 'ledger_went_back') or (before == 'ledger_went_back' and reason == 'operator') then
    redis.call('HSET', key, 'covered', NOW)
  end
  if before and (before == 'ledger_went_back' or not PERMANENT[reason]) then return false end  -- guard: gate-precedence
  local tried = gate_half_open(account) and number(redis.call('HGET', key, 'backoff')) or 0
  local backoff = math.min(math.max(2 * tried, FIRST_BACKOFF), MAX_BACKOFF)
  redis.call('HSET', key, 'state', 'shut', 'reason', reason, 'by', by, 'since', NOW, 'doubts', 0)
  redis.call('HDEL', key, 'trial', 'probe_at')
  if reason == 'doubts' then
    redis.call('HSET', key, 'backoff', backoff, 'probe_at', NOW + backoff)  -- guard: doubts-delay-the-probe
  elseif tried == 0 then  -- guard: doubts-stay-for-a-trial
    redis.call('HDEL', key, 'backoff') -- else doubts had it half open: they are not over for what a read says
  end
  return true
end

-- What has shut it stays its reason, until a response to a trial opens it whole.
local function half_open_gate(account, by)
  local key = account_key(account, 'gate')
  redis.call('HSET', key, 'state', 'half_open', 'by', by, 'since', NOW, 'doubts', 0)
  redis.call('HDEL', key, 'trial', 'probe_at')
end

local function open_gate(account, reason, by)
  local key = account_key(account, 'gate')
  redis.call('HSET', key, 'state', 'open', 'reason', reason, 'by', by, 'since', NOW, 'doubts', 0)
  redis.call('HDEL', key, 'probe_at', 'balance', 'covered', 'trial', 'backoff', 'tried_balance')
end

-- BSG has clearly responded the trial: the gate opens whole. No other response does that, and no read.
local function trial_answered(account, campaign, batch, token)
  if has_trial(account, campaign, batch, token) then open_gate(account, '', batch_id(campaign, batch)) end
end

-- The trial brought no response, or one that says neither yes nor no.
local function trial_unanswered(account, campaign, batch, token)
  if has_trial(account, campaign, batch, token) then shut_gate(account, 'doubts', batch_id(campaign, batch)) end
end

-- Each process leaves a mark as high as what it has seen. Only a ledger that went back, or another one, lacks it.
local DETECTOR_KEPT_MS = 30 * 86400000

local function went_back(detector, seen)
  return number(redis.call('GET', rollback_detector_key(detector))) < number(seen)  -- guard: rollback-detected
end

local function save_high_water_mark(detector)
  local key, sequence = rollback_detector_key(detector), number(redis.call('HGET', LEDGER, 'sequence'))
  if detector == '' then return sequence end
  if sequence ~= number(redis.call('GET', key)) then
    redis.call('SET', key, sequence, 'PX', DETECTOR_KEPT_MS)  -- guard: high-water-mark-written
  elseif redis.call('PTTL', key) < DETECTOR_KEPT_MS / 2 then
    redis.call('PEXPIRE', key, DETECTOR_KEPT_MS)  -- guard: high-water-mark-kept
  end
  return sequence
end

-- A chunk that ended its process too often: from now on nobody prepares it. Its messages are rejected in steps.
local function give_up_chunk(campaign, chunk)
  redis.call('HSET', chunk_key(campaign, chunk), 'state', 'failed')
  redis.call('HDEL', chunk_key(campaign, chunk), 'token', 'lease_until')
  redis.call('HDEL', campaign_key(campaign, ':messages'), chunk)
  redis.call('ZREM', campaign_key(campaign, ':chunks'), chunk)
  redis.call('ZADD', campaign_key(campaign, ':committed'), NOW, chunk)
  refresh_ready(campaign)
  refresh_unfinished(campaign)  -- guard: give-up-is-finished
  record_event(campaign, 'chunk ' .. chunk, 'preparing', 'failed', 'lost too many leases')
end

-- Leases the campaign's next chunk that is due. Returns {prepare, campaign, chunk, packed messages, options, first
-- index, size, suppressions}, {again, campaign} if a chunk was given up, whose messages `add_prepared` rejects, or nil:
-- none is due.
local function lease_chunk(campaign, token, lease, losses_allowed)
  local chunk, at = earliest(campaign_key(campaign, ':chunks'))
  if not chunk or at > NOW then  -- guard: chunk-leased-once
    refresh_ready(campaign)
    return nil
  end
  local key = chunk_key(campaign, chunk)
  local state, size, first_index, losses = get(key, 'state', 'size', 'first_index', 'losses')
  if state == 'preparing' then losses = redis.call('HINCRBY', key, 'losses', 1) end  -- guard: chunk-losses-counted
  if number(losses) >= number(losses_allowed) then  -- guard: chunk-losses-allowed
    give_up_chunk(campaign, chunk)
    return { 'again', campaign }
  end
  redis.call('HSET', campaign_key(campaign), 'started', '1')
  redis.call('HSET', key, 'state', 'preparing', 'token', token, 'lease_until', NOW + lease)
  redis.call('ZADD', campaign_key(campaign, ':chunks'), NOW + lease, chunk)
  refresh_ready(campaign)
  record_event(campaign, 'chunk ' .. chunk, state, 'preparing', state == 'preparing' and 'lease lost' or 'leased')
  return { 'prepare', campaign, chunk, redis.call('HGET', campaign_key(campaign, ':messages'), chunk),
    redis.call('HGET', campaign_key(campaign), 'options'), first_index, size, suppressions() }
end
