#!lua flags=allow-oom
-- Checks whether the ledger still has what a process saw, and saves the process's high-water mark.
local detector, seen = unpack(ARGV, 1, 2)
local FIRST_OF_ACCOUNTS = 3
-- ARGV    seen: the sequence that it has seen (0: nothing yet); then the accounts whose gates a rollback shuts
-- Return  {ok | went_back, sequence now, incarnation}
-- Transition  open -> shut of their gates, if the ledger went back. Only once, because the mark is lowered then.
local mark = high_water_mark(detector)
local back = went_back(mark, seen)
-- guard: look-shuts-gate
for i = FIRST_OF_ACCOUNTS, back and #ARGV or 0 do
  shut_gate(ARGV[i], 'ledger_went_back', 'a process that saw event ' .. seen)
end
return { back and 'went_back' or 'ok', save_high_water_mark(detector, mark), redis.call('HGET', LEDGER, 'incarnation') or '' }
