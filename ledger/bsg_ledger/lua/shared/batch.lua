-- A batch's state, and the index in which it waits.

-- A batch waits in the due index of its state. The score is the time at which a worker has to process it.
local INDEX_OF = { posting = 'leases', unconfirmed = 'doubt', submitted = 'live', finished = 'live' }

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

-- Changes the state without refreshing the campaign, which a caller that moves many batches does once, at the end.
-- Returns the previous state.
local function change_state(campaign, batch, to, at, cause, detail)
  local key = batch_key(campaign, batch)
  local from, size, needs_operator, day, doubt = get(key, 'state', 'size', 'needs_operator', 'day', 'doubt')
  leave(campaign, batch, from)
  count(campaign, from, 0 - number(size), -1)
  count(campaign, to, number(size), 1)
  redis.call('HSET', key, 'state', to, 'since', NOW)
  if needs_operator then stop_asking(campaign, batch) end -- the question was about the previous state
  if day then release_day_cost(campaign, batch, day, to, doubt) end  -- guard: not-taken-gives-back
  if to == 'pending' then redis.call('HSET', key, 'not_before', at) end
  if INDEX_OF[to] ~= 'leases' then redis.call('HDEL', key, 'token', 'lease_until') end  -- guard: token-ends-with-lease
  enter(campaign, batch, to, at)
  record_event(campaign, batch, from, to, cause, detail)
  return from
end

-- A campaign with batches in these states is open, and its deadline still matters.
local UNSENT = { pending = true, posting = true, unconfirmed = true }

local function move(campaign, batch, to, at, cause, detail)
  local from = change_state(campaign, batch, to, at, cause, detail)
  if from == 'pending' or to == 'pending' then refresh_ready(campaign) end
  if not (UNSENT[from] and UNSENT[to]) then refresh_campaign(campaign) end  -- guard: move-may-end
end

-- Makes the batch wait again, unless the campaign has been cancelled or its deadline has passed.
local function move_back(campaign, batch, at, cause, detail)
  local cancelled, deadline = get(campaign_key(campaign), 'cancelled', 'deadline')
  deadline = redis.call('HGET', batch_key(campaign, batch), 'deadline') or deadline  -- guard: batch-deadline-first
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

-- The fence: only the holder of the token may continue. A batch has a token only while it may be on the wire.
local function held(campaign, batch, token)
  return redis.call('HGET', batch_key(campaign, batch), 'token') == token  -- guard: fence
end

-- Postpones a waiting batch.
local function delay_batch(campaign, batch, at)
  redis.call('HSET', batch_key(campaign, batch), 'not_before', at)
  redis.call('ZADD', campaign_key(campaign, ':due'), at, batch)
  refresh_ready(campaign)
end

-- Returns whether a waiting batch is as it was read. If it was sent since, it was checked against another list.
local function waits_unchanged(campaign, batch, size, held_against)
  local state, size_now, list = get(batch_key(campaign, batch), 'state', 'size', 'suppressions')
  return state == 'pending' and size_now == size and number(list) == number(held_against)  -- guard: read-batch-unchanged
end

-- Returns which of the indexes from an argument on have a reject. The indexes are those of one chunk.
local function rejected_indexes(campaign, first)
  local lowest, highest, found = math.huge, -1, {}
  for i = first, #ARGV, 2 do
    lowest, highest = math.min(lowest, ARGV[i]), math.max(highest, ARGV[i])
  end
  if highest < 0 then return found end
  local rejects = redis.call('ZRANGEBYSCORE', campaign_key(campaign, ':rejects'), lowest, highest, 'WITHSCORES')
  for i = 2, #rejects, 2 do found[rejects[i]] = true end
  return found
end

-- Records the rejects from an argument on. Each index has one reject, so that a repetition counts once. Returns how many
-- are new.
local function reject(campaign, first)
  local known, added = rejected_indexes(campaign, first), {}
  for i = first, #ARGV, 2 do
    if not known[ARGV[i]] then  -- guard: reject-counts-once
      known[ARGV[i]] = true
      added[#added + 1] = ARGV[i]
      added[#added + 1] = ARGV[i + 1]
    end
  end
  add_all(campaign_key(campaign, ':rejects'), 'NX', added)
  return #added / 2
end

-- Makes messages of a batch rejects, which are (index, row as JSON) from an argument on. `rest` is the body of the
-- others ('' keeps the old one). Returns the numbers of new rejects and of remaining messages.
local function take_out(campaign, batch, first_reject, rest, rest_rows)
  local key, rejected = batch_key(campaign, batch), reject(campaign, first_reject)
  count(campaign, redis.call('HGET', key, 'state'), 0 - rejected, 0)
  count(campaign, 'rejected', rejected, 0)
  if redis.call('HEXISTS', key, 'price') == 1 then
    -- What the batch costs is the price of the others.
    redis.call('HINCRBY', campaign_key(campaign), 'priced', 0 - rejected)  -- guard: rejects-have-no-price
  end
  if rest ~= '' then
    redis.call('SET', key .. ':messages', rest)  -- guard: rejects-taken-out
    redis.call('HSET', key, 'rows', rest_rows)
  end
  return rejected, redis.call('HINCRBY', key, 'size', 0 - rejected)
end

-- Makes messages of a batch rejects. The rest waits.
local function go_on_without(campaign, batch, first_reject, rest, rest_rows, cause)
  local rejected, left = take_out(campaign, batch, first_reject, rest, rest_rows)
  if left == 0 then  -- guard: empty-batch-is-refused
    redis.call('HSET', batch_key(campaign, batch), 'rows', '')
    move(campaign, batch, 'refused', 0, cause, rejected .. ' rows, all of it')
    return 'refused'
  end
  return move_back(campaign, batch, NOW, cause, rejected .. ' rows')
end
