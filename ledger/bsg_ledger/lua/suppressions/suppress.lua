#!lua flags=allow-oom
-- Suppresses phones, or removes them from the suppression list whatever their sources. Or adds a source to those phones
-- that are still suppressed.
local command, source = unpack(ARGV, 1, 2)
local FIRST_PHONE = 3
-- ARGV    command: add, remove or note; source: not of a removal; then phones (digits)
-- Return  {how many were changed}
-- Transition  none of a campaign: unsent messages are checked against the list again before they leave
if command == 'add' then return { suppress(source, FIRST_PHONE) } end
if command == 'note' then
  add_suppression_source(source)
  for i = FIRST_PHONE, #ARGV do
    if redis.call('SISMEMBER', SUPPRESSED, ARGV[i]) == 1 then  -- guard: suppress-still-listed
      redis.call('SADD', suppressed_from(source), ARGV[i])
    end
  end
  return { 0 }
end
local removed = redis.call('SREM', SUPPRESSED, unpack(ARGV, FIRST_PHONE))
for _, one in ipairs(redis.call('SMEMBERS', SUPPRESSION_SOURCES)) do
  redis.call('SREM', suppressed_from(one), unpack(ARGV, FIRST_PHONE))
end
if removed > 0 then redis.call('HINCRBY', LEDGER, 'suppressions', 1) end
return { removed }
