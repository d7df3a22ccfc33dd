#!lua flags=allow-oom
-- Opens or shuts an account's gate, notes a balance, or takes the next probe.
-- ARGV  1 account, 2 open, reopen (not what an operator has to open), shut, balance or probe, 3 reason; for reopen:
--       trial to open half only, 4 by, 5 for probe: how long to put off (ms), 6 balance last seen ('' for none)
-- Returns {open | half_open | shut}; for shut {shut, 1 if it was not for that before}; for probe {probe} if one is due
--         now, {wait} if not
-- Transition  open <-> shut; shut -> half_open for a trial, and always after doubts: reads may work while POSTs do not
local key = account_key(ARGV[1], 'gate')
if ARGV[2] == 'shut' then
  return { 'shut', shut_gate(ARGV[1], ARGV[3], ARGV[4]) and 1 or 0 }
elseif ARGV[2] == 'open' then
  open_gate(ARGV[1], ARGV[3], ARGV[4])
elseif ARGV[2] == 'reopen' and gate_shut(ARGV[1]) then  -- guard: probe-of-shut-gate
  local reason = redis.call('HGET', key, 'reason')
  if PERMANENT[reason] then return { 'shut' } end  -- guard: probe-respects-permanent
  local after_doubts = reason == 'doubts' or redis.call('HEXISTS', key, 'backoff') == 1 -- whatever shut it again while it was half open
  -- guard: doubts-need-a-trial
  if after_doubts or ARGV[3] == 'trial' then half_open_gate(ARGV[1], ARGV[4]) else open_gate(ARGV[1], '', ARGV[4]) end
  if reason == 'no_funds' and ARGV[6] ~= '' then redis.call('HSET', key, 'tried_balance', ARGV[6]) end
elseif ARGV[2] == 'balance' then
  redis.call('HSET', key, 'balance', ARGV[6])
elseif ARGV[2] == 'probe' then
  local state, probe_at = get(key, 'state', 'probe_at')
  if state ~= 'shut' or number(probe_at) > NOW then return { 'wait' } end  -- guard: probe-when-due
  redis.call('HSET', key, 'probe_at', NOW + ARGV[5])
  return { 'probe' }
end
return { redis.call('HGET', key, 'state') or 'open' }
