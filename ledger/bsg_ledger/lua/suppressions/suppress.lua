#!lua flags=allow-oom
-- Suppresses phones.
local source = ARGV[1]
local FIRST_PHONE = 2
-- ARGV    source: who suppresses them; then phones (digits)
-- Return  {how many were not suppressed before}
-- Transition  none of a campaign: unsent messages are checked against the list again before they leave
return { suppress(source, FIRST_PHONE) }
