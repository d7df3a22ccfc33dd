#!lua flags=allow-oom
-- Checks whether the ledger still has what a process saw, and saves the process's high-water mark.
-- ARGV  1 rollback detector, 2 sequence that it has seen (0: nothing yet), 3... accounts whose gates a rollback shuts
-- Returns {ok | went_back, sequence now, incarnation}
-- Transition  open -> shut of their gates, if the ledger went back. Only once: the mark is that of the older ledger then.
local back = went_back(ARGV[1], ARGV[2])
-- guard: look-shuts-gate
for i = 3, back and #ARGV or 0 do shut_gate(ARGV[i], 'ledger_went_back', 'a process that saw event ' .. ARGV[2]) end
return { back and 'went_back' or 'ok', save_high_water_mark(ARGV[1]), redis.call('HGET', LEDGER, 'incarnation') or '' }
