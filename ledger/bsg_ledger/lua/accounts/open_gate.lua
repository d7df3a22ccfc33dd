#!lua flags=allow-oom
-- Opens an account's gate, whatever has shut it.
local account, reason, by = unpack(ARGV)
-- ARGV    reason: an operator's; by: who opens it
-- Return  {open}
-- Transition  shut or half_open -> open
open_gate(account, reason, by)
return { 'open' }
