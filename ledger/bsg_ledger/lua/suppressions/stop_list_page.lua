#!lua flags=allow-oom
-- Records how far BSG's stop list has been read, and puts the phones of that page on the list of suppressed ones.
-- ARGV  1 account's name, 2 source, 3 next step (an offset, or push), 4 due in (ms), 5... phones (digits)
-- Returns {how many phones were not suppressed before}
-- Transition  none of a campaign: what has not left is held against the list again before it does
redis.call('HSET', STOP_LISTS, ARGV[1] .. ':step', ARGV[3], ARGV[1] .. ':due', NOW + ARGV[4])
return { ARGV[5] and suppress(ARGV[2], 5) or 0 }  -- guard: stop-list-page-suppressed
