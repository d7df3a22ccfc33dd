-- Detects that the ledger went back.

-- Each process saves the highest sequence that it has seen. Only a ledger that went back, or another one, lacks it.
local DETECTOR_KEPT_MS = 30 * 86400000

local function high_water_mark(detector) return number(redis.call('GET', rollback_detector_key(detector))) end

local function went_back(mark, seen)
  return mark < number(seen)  -- guard: rollback-detected
end

-- Replaces a process's high-water mark by the ledger's sequence. Returns the sequence.
local function save_high_water_mark(detector, mark)
  local key, sequence = rollback_detector_key(detector), number(redis.call('HGET', LEDGER, 'sequence'))
  if detector == '' then return sequence end
  if sequence ~= mark then
    redis.call('SET', key, sequence, 'PX', DETECTOR_KEPT_MS)  -- guard: high-water-mark-written
  elseif redis.call('PTTL', key) < DETECTOR_KEPT_MS / 2 then
    redis.call('PEXPIRE', key, DETECTOR_KEPT_MS)  -- guard: high-water-mark-kept
  end
  return sequence
end
