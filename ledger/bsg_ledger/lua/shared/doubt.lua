-- What may or may not be at BSG.

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

-- Rule 2: a clear no speaks for its own attempt only.
local function in_doubt(campaign, batch)
  return redis.call('HGET', batch_key(campaign, batch), 'doubt') == '1'  -- guard: doubt-is-remembered
end

local function to_doubt(campaign, batch, look_after, cause, detail)
  redis.call('HSET', batch_key(campaign, batch), 'doubt', '1')  -- guard: doubt-is-recorded
  move(campaign, batch, 'unconfirmed', NOW + look_after, cause, detail)
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
