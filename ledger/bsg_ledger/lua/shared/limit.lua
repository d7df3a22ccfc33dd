-- The limit of a rate (GCRA). Times are microseconds of Redis's own clock.

local NOW_US = clock[1] * 1000000 + clock[2]

-- Returns when the next request may leave, and the limit's arrival: the time from which one more request fits the rate.
-- No slot is reserved further ahead than `furthest`, so an arrival beyond that shows a clock that was set back.
local function next_slot(limit, cool_down, interval, burst, furthest)
  local stored, cools_until = unpack(redis.call('MGET', limit, cool_down))
  local arrival = number(stored)
  if arrival > NOW_US + furthest + burst * interval then arrival = NOW_US end  -- guard: slot-clock-set-back
  local slot_at = math.max(NOW_US, number(cools_until), arrival - (burst - 1) * interval)  -- guard: slot-start
  return slot_at, arrival
end

local function take_slot(limit, slot_at, arrival, interval)
  local after = math.max(arrival, slot_at) + interval  -- guard: slot-taken
  redis.call('SET', limit, string.format('%.0f', after), 'PX', math.ceil((after - NOW_US) / 1000) + 1000)
end
