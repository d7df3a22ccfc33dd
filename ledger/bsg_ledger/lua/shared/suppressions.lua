-- Phones that are never sent to, and who put them there.

-- What was suppressed before there were sources is from here.
local function add_suppression_source(source)
  if redis.call('EXISTS', SUPPRESSION_SOURCES) == 0 then
    redis.call('SADD', SUPPRESSION_SOURCES, 'here')
    redis.call('SUNIONSTORE', suppressed_from('here'), SUPPRESSED)
  end
  redis.call('SADD', SUPPRESSION_SOURCES, source)
end

-- Suppresses the phones from an argument on; returns how many were not suppressed before.
local function suppress(source, first)
  add_suppression_source(source)
  redis.call('SADD', suppressed_from(source), unpack(ARGV, first))
  local added = redis.call('SADD', SUPPRESSED, unpack(ARGV, first))
  if added > 0 then redis.call('HINCRBY', LEDGER, 'suppressions', 1) end  -- guard: new-suppression-counted
  return added
end

-- Which list of suppressed phones a batch is held against; 0: there has never been one.
local function suppressions() return number(redis.call('HGET', LEDGER, 'suppressions')) end
