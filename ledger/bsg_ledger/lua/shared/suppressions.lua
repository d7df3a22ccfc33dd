-- The suppression list: phones that are never sent to, with their sources.

-- Suppresses the phones from an argument on. Returns how many were not suppressed before.
local function suppress(source, first)
  redis.call('SADD', SUPPRESSION_SOURCES, source)
  redis.call('SADD', suppressed_from(source), unpack(ARGV, first))
  local added = redis.call('SADD', SUPPRESSED, unpack(ARGV, first))
  if added > 0 then redis.call('HINCRBY', LEDGER, 'suppressions', 1) end  -- guard: new-suppression-counted
  return added
end

-- Returns the version of the suppression list; 0 if no phone was ever suppressed.
local function suppressions() return number(redis.call('HGET', LEDGER, 'suppressions')) end
