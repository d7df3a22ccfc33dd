-- The gate of an account, and the trial of a half-open one.

-- guard: gate-shut
local function gate_shut(account) return redis.call('HGET', account_key(account, 'gate'), 'state') == 'shut' end
local function gate_half_open(account) return redis.call('HGET', account_key(account, 'gate'), 'state') == 'half_open' end

-- A half-open gate lets one batch through at a time: its trial. Returns whether a batch is the trial.
local function has_trial(account, campaign, batch, token)
  return gate_half_open(account)
    -- guard: only-the-trial-decides
    and redis.call('HGET', account_key(account, 'gate'), 'trial') == batch_id(campaign, batch) .. ':' .. token
end

-- Returns whether a trial is under way. The batch's token decides, so a withdrawn batch needs no other step.
local function trial_runs(account)
  local trial = redis.call('HGET', account_key(account, 'gate'), 'trial') or ''
  local campaign, batch, token = string.match(trial, '^(.*)-(%d+):(.*)$')
  if not campaign then return false end
  return held(campaign, batch, token)
end

-- A probe never opens a gate that is shut for these reasons.
local PERMANENT = { operator = true, ledger_went_back = true }  -- guard: permanent-reasons

-- How long doubts shut the gate (ms). The time doubles after each trial without a clear response.
local FIRST_BACKOFF, MAX_BACKOFF = 15000, 600000

-- Shuts the gate. Precedence: rollback, then operator, then automatic reasons. A rollback remembers that an operator
-- shut the gate too. Returns whether anything changed.
local function shut_gate(account, reason, by)
  -- guard: rollback-ends-collecting
  if reason == 'ledger_went_back' then redis.call('HINCRBY', LEDGER, 'rollbacks', 1) end
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
    redis.call('HDEL', key, 'backoff') -- keep the backoff of a half-open gate: a read does not end doubts
  end
  return true
end

-- The gate keeps its reason until a response to a trial opens it.
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

-- Opens the gate after a clear response to its trial. No other response, and no read, does that.
local function trial_has_response(account, campaign, batch, token)
  if has_trial(account, campaign, batch, token) then open_gate(account, '', batch_id(campaign, batch)) end
end

-- Shuts the gate again: the trial got no response, or an unclear one.
local function trial_without_response(account, campaign, batch, token)
  if has_trial(account, campaign, batch, token) then shut_gate(account, 'doubts', batch_id(campaign, batch)) end
end
