#!lua flags=allow-oom
-- Records which button an operator is about to press.
local kept, operator, address, action, subject = unpack(ARGV)
-- ARGV    kept: entries to keep; operator: the login, '' without one; address: from which; subject: what the button acts on
-- Return  {noted}
-- Transition  none
redis.call('XADD', OPERATOR_LOG, 'MAXLEN', '~', kept, '*', 'operator', operator, 'address', address, 'action', action,
  'subject', subject)
return { 'noted' }
