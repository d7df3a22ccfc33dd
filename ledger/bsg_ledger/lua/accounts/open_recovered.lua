#!lua flags=allow-oom
-- Opens the gate of a ledger that went back, after all of its pending batches were looked up at BSG.
local account, by = unpack(ARGV)
-- Return  {open | shut}
-- Transition  shut -> open of the gate; it stays shut if an operator shut it too, or if there is a later reason
local key = account_key(account, 'gate')
local reason, covered = get(key, 'reason', 'covered')
if not gate_shut(account) then return { 'open' } end  -- guard: recovered-gate-open
if reason ~= 'ledger_went_back' then return { 'shut' } end  -- guard: recovered-own-reason-only
if covered then  -- guard: recovered-operator-reason
  redis.call('HSET', key, 'reason', 'operator', 'by', 'operator', 'since', covered)
  redis.call('HDEL', key, 'covered')
  return { 'shut' }
end
open_gate(account, '', by)
return { 'open' }
