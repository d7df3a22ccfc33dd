#!lua flags=allow-oom
-- Gives a claimed batch back: nothing has left.
-- ARGV  1 campaign, 2 batch, 3 token, 4 delay (ms), 5 cause, 6 1 if its messages
--       cannot be read here
-- Answer  {pending | cancelled | expired} or {stale}
-- Transition  claimed -> pending; -> cancelled | expired where that has happened meanwhile
if not held(ARGV[1], ARGV[2], 'claimed', ARGV[3]) then return { 'stale' } end  -- guard: release-fence
if ARGV[6] == '1' then note_unreadable(ARGV[1], ARGV[5]) end
return { move_back(ARGV[1], ARGV[2], NOW + ARGV[4], ARGV[5]) }
