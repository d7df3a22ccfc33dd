#!lua flags=allow-oom
-- Adds a source to those phones that are still suppressed.
local source = ARGV[1]
local FIRST_PHONE = 2
-- ARGV    source: who also suppresses them; then phones (digits)
-- Return  {how many are suppressed}
-- Transition  none
redis.call('SADD', SUPPRESSION_SOURCES, source)
local noted = 0
for i = FIRST_PHONE, #ARGV do
  if redis.call('SISMEMBER', SUPPRESSED, ARGV[i]) == 1 then  -- guard: suppress-still-listed
    redis.call('SADD', suppressed_from(source), ARGV[i])
    noted = noted + 1
  end
end
return { noted }
