#!lua flags=allow-oom
-- Opens or shuts an account's gate, notes a balance, or takes the next probe.
local account, command, reason, by, delay, balance = unpack(ARGV)
-- ARGV    command: open, reopen (not what an operator has to open), shut, balance or probe; reason: for reopen: trial to
--         open half only; delay: for probe: how long to put off (ms); balance: last seen ('' for none)
-- Return  {open | half_open | shut}; for shut {shut, 1 if it was not for that before}; for probe {probe} if one is due
--         now, {wait} if not
-- Transition  open <-> shut; shut -> half_open for a trial, and always after doubts: reads may work while POSTs do not
local key = account_key(account, 'gate')
if command == 'shut' then
  return { 'shut', shut_gate(account, reason, by) and 1 or 0 }
elseif command == 'open' then
  open_gate(account, reason, by)
elseif command == 'reopen' and gate_shut(account) then  -- guard: probe-of-shut-gate
  local shut_for = redis.call('HGET', key, 'reason')
  if PERMANENT[shut_for] then return { 'shut' } end  -- guard: probe-respects-permanent
  local after_doubts = shut_for == 'doubts' or redis.call('HEXISTS', key, 'backoff') == 1 -- or another reason shut it while it was half open
  -- guard: doubts-need-a-trial
  if after_doubts or reason == 'trial' then half_open_gate(account, by) else open_gate(account, '', by) end
  if shut_for == 'no_funds' and balance ~= '' then redis.call('HSET', key, 'tried_balance', balance) end
elseif command == 'balance' then
  redis.call('HSET', key, 'balance', balance)
elseif command == 'probe' then
  local state, probe_at = get(key, 'state', 'probe_at')
  if state ~= 'shut' or number(probe_at) > NOW then return { 'wait' } end  -- guard: probe-when-due
  redis.call('HSET', key, 'probe_at', NOW + delay)
  return { 'probe' }
end
return { redis.call('HGET', key, 'state') or 'open' }
