#!lua flags=allow-oom
-- Records how far BSG's stop list has been read, and suppresses the phones of a page.
local name, source, step, delay = unpack(ARGV, 1, 4)
local FIRST_PHONE = 5
-- ARGV    name: of the account; step: the next one, an offset or push; delay: until it is due (ms); then phones
--         (digits)
-- Return  {how many phones were not suppressed before}
-- Transition  none of a campaign: unsent messages are checked against the list again before they leave
redis.call('HSET', STOP_LISTS, name .. ':step', step, name .. ':due', NOW + delay)
return { ARGV[FIRST_PHONE] and suppress(source, FIRST_PHONE) or 0 }  -- guard: stop-list-page-suppressed
