#!lua flags=allow-oom
-- Removes phones from the suppression list, whatever their sources.
-- ARGV    phones (digits)
-- Return  {how many were suppressed}
-- Transition  none of a campaign: unsent messages are checked against the list again before they leave
local removed = redis.call('SREM', SUPPRESSED, unpack(ARGV))
for _, source in ipairs(redis.call('SMEMBERS', SUPPRESSION_SOURCES)) do
  redis.call('SREM', suppressed_from(source), unpack(ARGV))
end
if removed > 0 then redis.call('HINCRBY', LEDGER, 'suppressions', 1) end
return { removed }
