#!lua flags=allow-oom
-- Withdraws an intent: nothing of the request has left.
local campaign, batch, token, delay, cause, next_look, unreadable = unpack(ARGV)
-- ARGV    delay, next_look in milliseconds; unreadable: 1 if its messages cannot be read here
-- Return  {pending | cancelled | expired | unconfirmed} or {stale}
-- Transition  posting -> pending; -> cancelled | expired where that has happened meanwhile; -> unconfirmed if an earlier
--             attempt is in doubt
if not held(campaign, batch, token) then return { 'stale' } end  -- guard: withdraw-fence
if unreadable == '1' then note_unreadable(campaign, cause) end
return { withdraw(campaign, batch, delay, cause, next_look) }
