#!lua flags=allow-oom
-- Opens the gate of an account that a probe has found healthy, unless an operator has to open it.
local account, trial, by, balance = unpack(ARGV)
-- ARGV    trial: 1 to open it half only; balance: that the probe has seen ('' for none)
-- Return  {open | half_open | shut}
-- Transition  shut -> open; shut -> half_open for a trial, and always after doubts: reads may work while POSTs do not
local key = account_key(account, 'gate')
if gate_shut(account) then  -- guard: probe-of-shut-gate
  local shut_for = redis.call('HGET', key, 'reason')
  if PERMANENT[shut_for] then return { 'shut' } end  -- guard: probe-respects-permanent
  local after_doubts = shut_for == 'doubts' or redis.call('HEXISTS', key, 'backoff') == 1 -- whatever shut it again while it was half open
  -- guard: doubts-need-a-trial
  if after_doubts or trial == '1' then half_open_gate(account, by) else open_gate(account, '', by) end
  if shut_for == 'no_funds' and balance ~= '' then redis.call('HSET', key, 'tried_balance', balance) end
end
return { redis.call('HGET', key, 'state') or 'open' }
