#!lua flags=allow-oom
-- Records which button an operator is about to press.
local kept, operator, address, action, subject = unpack(ARGV)
-- ARGV    kept: entries to keep; operator: the login, '' without one; address: from which; subject: what the button acts on
-- Return  {noted}
-- Transition  none
local press = { 'operator', operator, 'address', address, 'action', action, 'subject', subject }
redis.call('XADD', OPERATOR_LOG, 'MAXLEN', '~', kept, '*', unpack(press))  -- guard: press-noted
return { 'noted' }
