-- Batches in doubt: BSG may have them.

-- Asks an operator about a batch. `kind`: doubt, lost (BSG does not know the campaign that it named), unread (BSG's
-- responses about it are unusable) or unstopped (BSG does not know the campaign to stop). `no_trace`: reads show that
-- BSG does not have the batch. Only a new kind or reason is recorded as an event.
local function ask_operator(campaign, batch, state, kind, why, no_trace)
  local key = batch_key(campaign, batch)
  local needs_operator, before = get(key, 'needs_operator', 'operator_reason')
  redis.call('HSET', key, 'needs_operator', kind, 'operator_reason', why)
  if no_trace then redis.call('HSET', key, 'no_trace', '1') else redis.call('HDEL', key, 'no_trace') end
  redis.call('ZADD', account_key(account_of(campaign), 'needs-operator'), 'NX', NOW, batch_id(campaign, batch))
  -- guard: operator-asked-once
  if needs_operator ~= kind or before ~= why then record_event(campaign, batch, state, state, 'an operator has to decide', why) end
end

-- Rule 2: a refusal decides only its own attempt.
local function in_doubt(campaign, batch)
  return redis.call('HGET', batch_key(campaign, batch), 'doubt') == '1'  -- guard: doubt-is-remembered
end

local function to_doubt(campaign, batch, look_after, cause, detail)
  redis.call('HSET', batch_key(campaign, batch), 'doubt', '1')  -- guard: doubt-is-recorded
  move(campaign, batch, 'unconfirmed', NOW + look_after, cause, detail)
end

-- Withdraws an intent. Nothing of the request has left, so the batch returns to its state before the intent.
local function withdraw(campaign, batch, delay, cause, next_look)
  redis.call('HSET', batch_key(campaign, batch), 'error', cause)
  if in_doubt(campaign, batch) then  -- guard: withdraw-keeps-doubt
    to_doubt(campaign, batch, next_look, cause .. ', an earlier attempt is in doubt')
    return 'unconfirmed'
  end
  return move_back(campaign, batch, NOW + delay, cause)
end
