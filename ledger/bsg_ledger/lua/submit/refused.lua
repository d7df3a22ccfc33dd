#!lua flags=allow-oom
-- Records a clear no for good.
-- ARGV  1 campaign, 2 batch, 3 token, 4 cause, 5 next look (ms)
-- Returns {refused | unconfirmed} or {stale}
-- Transition  posting -> refused; -> unconfirmed if an earlier attempt is in doubt;
--             half_open -> open of the gate, if this was its trial
local campaign, batch = ARGV[1], ARGV[2]
if not held(campaign, batch, ARGV[3]) then return { 'stale' } end  -- guard: refused-fence
redis.call('HSET', batch_key(campaign, batch), 'error', ARGV[4])
trial_has_response(account_of(campaign), campaign, batch, ARGV[3])
if in_doubt(campaign, batch) then  -- guard: refused-keeps-doubt
  to_doubt(campaign, batch, ARGV[5], ARGV[4] .. ', an earlier attempt is in doubt')
  return { 'unconfirmed' }
end
move(campaign, batch, 'refused', 0, ARGV[4])
return { 'refused' }
