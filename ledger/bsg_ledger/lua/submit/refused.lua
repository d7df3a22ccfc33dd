#!lua flags=allow-oom
-- Records a permanent refusal.
local campaign, batch, token, cause, next_look = unpack(ARGV)
-- ARGV    next_look: in milliseconds
-- Return  {refused | unconfirmed} or {stale}
-- Transition  posting -> refused; -> unconfirmed if an earlier attempt is in doubt;
--             half_open -> open of the gate, if this was its trial
if not held(campaign, batch, token) then return { 'stale' } end  -- guard: refused-fence
redis.call('HSET', batch_key(campaign, batch), 'error', cause)
trial_has_response(account_of(campaign), campaign, batch, token)
if in_doubt(campaign, batch) then  -- guard: refused-keeps-doubt
  to_doubt(campaign, batch, next_look, cause .. ', an earlier attempt is in doubt')
  return { 'unconfirmed' }
end
move(campaign, batch, 'refused', 0, cause)
return { 'refused' }
