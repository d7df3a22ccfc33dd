#!lua flags=allow-oom
-- Decides what a worker does next for an account, and records it.
-- ARGV    see the first lines: times in milliseconds, those of the limit in microseconds. `early`: a slot that is free
--         so soon is taken now, and the caller waits out the rest. `queue`: the wake-ups of the account. `permit`: '1' if
--         the caller may send, else it prepares what is sent next, if that is needed. After them the accounts whose
--         gates a ledger that went back shuts
-- Return  {send, campaign, batch, body, options, size, attempts before this one, now, wait for the slot, sequence,
--         hint}
--         {prepare, campaign, chunk, packed messages, options, first index, size, suppressions, hint}
--         {recheck, campaign, batch, body, rows, options, size, attempts, held against, suppressions}
--         {hours, campaign, options, closes_at, now}, {wait, milliseconds, 1 if the caller is to wait}, {gate},
--         {again}, with the campaign of which a chunk was given up, or {nothing}
--         The hint is 1 if somebody should be woken: something else is ready, and nobody is on the way or waits for it
-- Transition  pending -> posting, the slot of the limit being taken in the same step (or -> unconfirmed if an earlier
--             attempt is in doubt and BSG can no longer be trusted to know its reference ids); the campaign is paused
--             where the batch would cost more than is allowed; chunk: unprepared -> preparing; preparing (lease over) ->
--             preparing | failed (its messages: rejected); the campaign is assigned to the account
local account, account_name, token, lease, interval, burst, furthest, early, duplicate_window, next_look, chunk_lease,
  losses_allowed, queue, permit, detector, seen = unpack(ARGV, 1, 16)
interval, burst = number(interval), number(burst)
local FIRST_OF_ACCOUNTS = 17

local PROMOTED = 32 -- due campaigns that a call moves to the other indexes
local TRIES = 8 -- campaigns that a call tries: one may have nothing to do now
local FURTHEST_WAIT = 20000 -- upkeep handles what is due later
local HELD_FOR_PRICE, HELD_FOR_HOURS, HELD_FOR_RECHECK = 1000, 5000, 5000
local JUST_LEASED = 5000
local AFTER_ALL = 1000000000000

local mark = high_water_mark(detector)
-- guard: dispatch-rollback
for i = FIRST_OF_ACCOUNTS, went_back(mark, seen) and #ARGV or 0 do
  shut_gate(ARGV[i], 'ledger_went_back', 'a process that saw event ' .. seen)
end
local gate = redis.call('HGET', account_key(account, 'gate'), 'state')
if gate == 'shut' then return { 'gate' } end  -- guard: dispatch-gate
local half_open = gate == 'half_open'
if half_open and trial_runs(account) then return { 'gate' } end  -- guard: dispatch-trial

local sendable, preparable, due = account_key(account, 'sendable'), account_key(account, 'preparable'), account_key(account, 'due')
local unassigned, clock_key = account_key('-' .. account_name, 'due'), account_key(account, 'dispatch')

-- An entry without its campaign would come first at each call.
local function drop(campaign)
  for _, index in ipairs({ sendable, preparable, due, unassigned }) do redis.call('ZREM', index, campaign) end
end

local function refresh_or_drop(campaign)
  -- guard: row-of-own-account
  if owner_of(campaign) == account then refresh_ready(campaign) else drop(campaign) end
end

for _, campaign in ipairs(redis.call('ZRANGEBYSCORE', unassigned, '-inf', NOW, 'LIMIT', 0, PROMOTED)) do
  assign_account(campaign, account)  -- guard: dispatch-assigns
  refresh_or_drop(campaign)
end
for _, campaign in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', NOW, 'LIMIT', 0, PROMOTED)) do refresh_or_drop(campaign) end

local limit = limit_key(account)
local slot_at, arrival = next_slot(limit, cool_down_key(account), interval, burst, number(furthest))
local free = permit == '1' and slot_at - NOW_US <= number(early)  -- guard: send-takes-permit

local function first_not_new(index, first, pass)
  if not first or pass >= 0 then return first, pass end
  local found = redis.call('ZRANGEBYSCORE', index, 0, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return found[1], tonumber(found[2])
end

-- Returns the next campaigns to send for and to prepare for, each with its virtual time, and the campaign that new ones
-- pass over. For four new campaigns of normal priority there is one request of another campaign of that priority, so
-- that a flood of new campaigns does not stop the others.
local function next_campaigns()
  local send, send_pass = earliest(sendable)
  local prepare, prepare_pass = earliest(preparable)
  local old_send, old_send_pass = first_not_new(sendable, send, send_pass)
  local old_prepare, old_prepare_pass = first_not_new(preparable, prepare, prepare_pass)
  local old = old_send
  if old_prepare and (not old_send or old_prepare_pass < old_send_pass) then old = old_prepare end
  -- guard: flood-stops-nobody
  if old and number(redis.call('HGET', clock_key, 'owed')) >= STRIDE[redis.call('HGET', campaign_key(old), 'priority')] then
    send, send_pass = old_send or send, old_send_pass or (send and AFTER_ALL + send_pass)
    prepare, prepare_pass = old_prepare or prepare, old_prepare_pass or (prepare and AFTER_ALL + prepare_pass)
  end
  return send, send_pass, prepare, prepare_pass, old
end

-- A request of the campaign leaves. Its wait as a new campaign is compensated, by three requests at most.
local function advance(campaign, pass, priority, joined, passed_over)
  local key = campaign_key(campaign)
  local virtual, owed = get(clock_key, 'virtual', 'owed')
  local stride = STRIDE[priority]
  pass, virtual, owed = number(pass), number(virtual), number(owed)
  if pass < 0 then
    pass = math.max(number(joined), virtual - 3 * stride)
    redis.call('HDEL', key, 'joined')
    if passed_over then redis.call('HSET', clock_key, 'owed', owed + stride / 4) end
  else
    redis.call('HSET', clock_key, 'virtual', format_pass(math.max(virtual, pass)), 'owed', math.max(0, owed - stride))
  end
  redis.call('HSET', key, 'pass', format_pass(pass + stride))
end

local function hint()
  if redis.call('LLEN', queue) > 0 then return 0 end  -- guard: wake-up-on-its-way
  -- guard: nobody-woken-for-nothing
  if half_open or redis.call('ZCARD', sendable) + redis.call('ZCARD', preparable) == 0 then return 0 end
  return 1
end

-- Only one thread has to wait: the one that waits for the earliest time.
local function wait(at)
  if permit ~= '1' then return { 'nothing' } end  -- guard: permit-before-wait
  local wake_at = number(redis.call('HGET', clock_key, 'wake_at'))
  local milliseconds = math.max(1, at - NOW)
  -- guard: one-waits
  if milliseconds > FURTHEST_WAIT or (wake_at > NOW and wake_at <= at) then return { 'wait', milliseconds, 0 } end
  redis.call('HSET', clock_key, 'wake_at', at)
  return { 'wait', milliseconds, 1 }
end

-- Returns whether a campaign may go on. The indexes follow from the same fields, but a deadline passes silently.
local function may_go_on(owner, paused, cancelled, deadline)
  if owner ~= account then return false end  -- guard: dispatch-own-account
  if paused == '1' then return false end  -- guard: dispatch-paused
  if cancelled == '1' then return false end  -- guard: dispatch-cancelled
  if number(deadline) <= NOW then return false end  -- guard: dispatch-deadline
  return true
end

local function post(campaign, batch, options, start_at, size, attempts, first_intent, doubt)
  local key = batch_key(campaign, batch)
  take_slot(limit, slot_at, arrival, interval)  -- guard: slot-taken-by-intent
  -- Only attempts in doubt can have been taken, so no trace at BSG can be older than the first of them.
  if doubt ~= '1' then first_intent = NOW end  -- guard: window-from-first-doubt
  -- guard: attempts-counted
  redis.call('HSET', key, 'attempts', attempts + 1, 'first_intent_at', first_intent, 'intent_at', NOW, 'token', token,
    'lease_until', NOW + lease)
  -- guard: send-becomes-trial
  if half_open then redis.call('HSET', account_key(account, 'gate'), 'trial', batch_id(campaign, batch) .. ':' .. token) end
  local late = number(start_at) > 0 and number(start_at) <= NOW
  -- guard: lease-of-intent
  move(campaign, batch, 'posting', NOW + lease, 'intent', late and 'start_at has passed: sent at once' or '')
  local sequence = save_high_water_mark(detector, mark)  -- guard: intent-leaves-mark
  return { 'send', campaign, batch, redis.call('GET', key .. ':messages'), options, size, attempts, NOW,
    slot_at - NOW_US, sequence, hint() }
end

-- The suppression list has changed. Other batches go first until the messages are checked against the new list.
local function recheck(campaign, batch, options)
  local key = batch_key(campaign, batch)
  delay_batch(campaign, batch, NOW + HELD_FOR_RECHECK)  -- guard: recheck-holds-nobody-up
  -- The messages that come meanwhile go into another batch, so that the batch is as it was read.
  if redis.call('HGET', campaign_key(campaign), 'collecting_batch') == batch then  -- guard: rechecked-batch-is-closed
    redis.call('HDEL', campaign_key(campaign), 'collecting_batch')
  end
  local rows, size, attempts, held_against = get(key, 'rows', 'size', 'attempts', 'suppressions')
  return { 'recheck', campaign, batch, redis.call('GET', key .. ':messages'), rows, options, size, attempts,
    number(held_against), suppressions() }
end

local function send(campaign, passed_over)
  local owner, paused, cancelled, deadline, options, start_at, opens_at, closes_at, held_until, held_for, max_cost,
    max_cost_per_day, stream, pass, priority, joined = get(campaign_key(campaign), 'account', 'paused', 'cancelled',
      'deadline', 'options', 'start_at', 'opens_at', 'closes_at', 'held_until', 'held_for', 'max_cost',
      'max_cost_per_day', 'stream', 'pass', 'priority', 'joined')
  if not may_go_on(owner, paused, cancelled, deadline) then return refresh_or_drop(campaign) end
  local batch, at = earliest(campaign_key(campaign, ':due'))
  if not batch or at > NOW then return refresh_ready(campaign) end  -- guard: send-after-backoff
  -- guard: send-within-hours
  if math.max(number(opens_at), number(held_until)) > NOW then return refresh_ready(campaign) end
  if number(closes_at) > 0 and number(closes_at) <= NOW then  -- guard: hours-over
    hold_until(campaign, NOW + HELD_FOR_HOURS, 'hours')  -- guard: hours-hold-nobody-up
    return { 'hours', campaign, options, closes_at, NOW }
  end
  local decision = max_cost and check_max_cost(campaign, batch) or 'yes'
  if decision == 'wait' then return hold_until(campaign, NOW + HELD_FOR_PRICE, 'price') end  -- guard: first-price-awaited
  if decision ~= 'yes' then  -- guard: send-within-cap
    redis.call('HSET', campaign_key(campaign), 'paused', '1', 'capped', decision)
    record_event(campaign, '', 'running', 'paused', decision)
    return refresh_ready(campaign)
  end
  local size, attempts, first_intent, doubt, held_against, batch_deadline = get(batch_key(campaign, batch), 'size',
    'attempts', 'first_intent_at', 'doubt', 'suppressions', 'deadline')
  if batch_deadline and number(batch_deadline) <= NOW then  -- guard: send-before-batch-deadline
    return move(campaign, batch, 'expired', 0, expiry_cause(batch_deadline, held_for, held_until))
  end
  -- guard: duplicate-window
  if doubt == '1' and NOW - number(first_intent) >= number(duplicate_window) then
    return to_doubt(campaign, batch, next_look, 'too late to be sent again by itself')
  end
  -- guard: held-against-list-of-now
  if suppressions() ~= number(held_against) then return recheck(campaign, batch, options) end
  if max_cost_per_day then
    decision = reserve_day_cost(campaign, batch, owner, stream, max_cost_per_day, size)
    if decision == 'wait' then return hold_until(campaign, NOW + HELD_FOR_PRICE, 'price') end
    if decision ~= 'yes' then return hold_until(campaign, decision, 'max_cost_per_day') end
  end
  advance(campaign, pass, priority, joined, passed_over)
  return post(campaign, batch, options, start_at, size, number(attempts), first_intent, doubt)
end

local function prepare(campaign)
  if not may_go_on(get(campaign_key(campaign), 'account', 'paused', 'cancelled', 'deadline')) then
    return refresh_or_drop(campaign)
  end
  local leased = lease_chunk(campaign, token, chunk_lease, losses_allowed)
  if leased and leased[1] == 'prepare' then leased[#leased + 1] = hint() end
  return leased
end

-- A worker is preparing a chunk of the campaign. After that the campaign is ready to send.
local function just_leased(campaign)
  return redis.call('ZCOUNT', campaign_key(campaign, ':chunks'), NOW + chunk_lease - JUST_LEASED, '+inf') > 0
end

for _ = 1, TRIES do
  local to_send, send_pass, to_prepare, prepare_pass, passed_over = next_campaigns()
  if not to_send and not to_prepare then
    local _, at = earliest(due)
    local _, unassigned_at = earliest(unassigned)
    at = earlier(at, unassigned_at)
    return at and (at <= NOW and { 'again' } or wait(at)) or { 'nothing' }
  end
  local prepare_first = to_prepare and (not to_send or prepare_pass < send_pass)
  local work
  if free and to_send and not (prepare_first and not just_leased(to_prepare)) then
    work = send(to_send, passed_over)
  elseif to_prepare and (free or prepare_first or redis.call('ZCARD', sendable) < AHEAD) then
    work = prepare(to_prepare)
  else
    return wait(math.ceil((slot_at - early) / 1000))
  end
  if work then return work end
end
return { 'again' }
