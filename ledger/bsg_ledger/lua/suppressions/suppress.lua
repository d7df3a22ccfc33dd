#!lua flags=allow-oom
-- Puts phones on the list of those that are never sent to, or takes them off, whoever put them there. Or notes that a
-- source has them too: only of those that are suppressed, as somebody may have taken them off meanwhile.
-- ARGV  1 add, remove or note, 2 source (not of a removal), 3... phones (digits)
-- Returns {how many were changed}
-- Transition  none of a campaign: what has not left is held against the list again before it does
if ARGV[1] == 'add' then return { suppress(ARGV[2], 3) } end
if ARGV[1] == 'note' then
  add_suppression_source(ARGV[2])
  for i = 3, #ARGV do
    if redis.call('SISMEMBER', SUPPRESSED, ARGV[i]) == 1 then  -- guard: suppress-still-listed
      redis.call('SADD', suppressed_from(ARGV[2]), ARGV[i])
    end
  end
  return { 0 }
end
local removed = redis.call('SREM', SUPPRESSED, unpack(ARGV, 3))
for _, source in ipairs(redis.call('SMEMBERS', SUPPRESSION_SOURCES)) do
  redis.call('SREM', suppressed_from(source), unpack(ARGV, 3))
end
if removed > 0 then redis.call('HINCRBY', LEDGER, 'suppressions', 1) end
return { removed }
