#!lua flags=allow-oom
-- Notes how many doorbells may be published for a campaign now, so that its window holds.
-- ARGV  1 campaign, 2 timeout (ms) after which a bell that nobody answered is forgotten, 3 delay (ms) of the ring,
--       4 name to make bells from
-- Answer  {priority, bell, bell, ...}
-- Transition  none; (rung + leased) never passes the campaign's window
local campaign = ARGV[1]
local rung, timeout, at = campaign_key(campaign, ':rung'), number(ARGV[2]), NOW + ARGV[3]
local priority, window, paused, account = get(campaign_key(campaign), 'priority', 'window', 'paused', 'account')
-- guard: wake-up-allowed
if not priority or paused == '1' or (account ~= '' and gate_shut(account)) then return { priority or 'normal' } end
-- Nobody could claim: a half-open gate lets the next one through when its trial is over.
local half_open = account ~= '' and gate_half_open(account)
if half_open and trial_runs(account) then return { priority } end  -- guard: trial-wakes-nobody
redis.call('ZREMRANGEBYSCORE', rung, '-inf', NOW - timeout)  -- guard: stale-wake-up-forgotten
local on_their_way = redis.call('ZCARD', rung)
local free = number(window) - on_their_way - redis.call('ZCARD', campaign_key(campaign, ':leases'))
if half_open then free = math.min(free, 1 - on_their_way) end  -- guard: half-open-wakes-one
local due = redis.call('ZCOUNT', campaign_key(campaign, ':due'), '-inf', at) - on_their_way
local answer = { priority }
for i = 1, math.min(free, due) do  -- guard: wake-ups-bounded
  local bell = ARGV[4] .. i
  redis.call('ZADD', rung, at, bell)
  answer[#answer + 1] = bell
end
if on_their_way + #answer > 1 then redis.call('ZADD', account_key(account_of(campaign), 'due'), 'XX', at + timeout, campaign) end
return answer
