#!lua flags=allow-oom
-- Records that this attempt was surely not taken.
-- ARGV  1 campaign, 2 batch, 3 token, 4 delay (ms), 5 cause, 6 account to shut the gate of ('' for none), 7 reason,
--       8 times that a batch may shut the gate (0: any), 9 next look (ms), 10 1 if BSG was asked and did not respond
-- Returns {pending | cancelled | expired | unconfirmed | refused} or {stale}
-- Transition  posting -> pending; -> unconfirmed if an earlier attempt is in doubt; -> refused if this batch alone
--             shuts the gate again and again, a probe having opened it; half_open -> shut of the gate, if this was its
--             trial and BSG did not respond. A throttle leaves it half open: it does not say whether BSG takes anything
local campaign, batch, cause = ARGV[1], ARGV[2], ARGV[5]
if not held(campaign, batch, ARGV[3]) then return { 'stale' } end  -- guard: not-taken-fence
redis.call('HSET', batch_key(campaign, batch), 'error', cause)
if ARGV[6] ~= '' then
  -- One that comes upon a gate that is shut has not shut it. Only a probe says that all is well but for this batch.
  if number(ARGV[8]) > 0 and not gate_shut(ARGV[6]) then  -- guard: shuts-counted
    local shuts = redis.call('HINCRBY', batch_key(campaign, batch), 'gate_shuts', 1)
    local probed = redis.call('HGET', account_key(ARGV[6], 'gate'), 'by') == 'probe'
    if probed and shuts >= number(ARGV[8]) and not in_doubt(campaign, batch) then  -- guard: shuts-refuse-batch
      move(campaign, batch, 'refused', 0, cause .. ' for this batch alone')
      return { 'refused' }
    end
  end
  shut_gate(ARGV[6], ARGV[7], batch_id(campaign, batch))  -- guard: closed-account-shuts-gate
end
-- guard: unanswered-trial-shuts-gate
if ARGV[10] == '1' then trial_without_response(account_of(campaign), campaign, batch, ARGV[3]) end
if in_doubt(campaign, batch) then  -- guard: not-taken-keeps-doubt
  to_doubt(campaign, batch, ARGV[9], cause .. ', an earlier attempt is in doubt')
  return { 'unconfirmed' }
end
return { move_back(campaign, batch, NOW + ARGV[4], cause) }
