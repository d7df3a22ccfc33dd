#!lua flags=allow-oom
-- Opens or shuts an account's gate, notes a balance, or takes the next probe.
-- ARGV  1 account, 2 open, reopen (not what a person has to open), shut, balance or probe, 3 reason, 4 by, 5 for probe: how long to put off (ms); 6 balance last seen
-- Answer  {open | shut}; for probe {probe} if one is due now, {wait} if not
-- Transition  open <-> shut
local key = account_key(ARGV[1], 'gate')
if ARGV[2] == 'shut' then
  shut_gate(ARGV[1], ARGV[3], ARGV[4])
elseif ARGV[2] == 'open' or ARGV[2] == 'reopen' then
  if ARGV[2] == 'reopen' and gate_shut(ARGV[1]) and STANDING[redis.call('HGET', key, 'reason')] then return { 'shut' } end
  open_gate(ARGV[1], ARGV[3], ARGV[4])
elseif ARGV[2] == 'balance' then
  redis.call('HSET', key, 'balance', ARGV[6])
else
  local state, probe_at = get(key, 'state', 'probe_at')
  if state ~= 'shut' or number(probe_at) > NOW then return { 'wait' } end
  redis.call('HSET', key, 'probe_at', NOW + ARGV[5])
  return { 'probe' }
end
return { redis.call('HGET', key, 'state') or 'open' }
