#!lua flags=allow-oom
-- Shuts an account's gate.
local account, reason, by = unpack(ARGV)
-- ARGV    by: who shuts it
-- Return  {shut, 1 if it was not shut for that reason before}
-- Transition  open or half_open -> shut
return { 'shut', shut_gate(account, reason, by) and 1 or 0 }
