#!lua flags=allow-oom
-- Records that BSG did not take this attempt.
local campaign, batch, token, delay, cause, account,
  reason, shuts_allowed, next_look, unanswered = unpack(ARGV)
-- ARGV    account: whose gate is shut ('': none); shuts_allowed: times that a batch may shut the gate (0: any);
--         unanswered: 1 if BSG was asked and did not respond; delay, next_look in milliseconds
-- Return  {pending | cancelled | expired | unconfirmed | refused} or {stale}
-- Transition  posting -> pending; -> unconfirmed if an earlier attempt is in doubt; -> refused if this batch alone
--             shuts the gate again and again, a probe having opened it; half_open -> shut of the gate, if this was its
--             trial and BSG did not respond. A throttle leaves it half open: it does not say whether BSG takes anything
if not held(campaign, batch, token) then return { 'stale' } end  -- guard: not-taken-fence
redis.call('HSET', batch_key(campaign, batch), 'error', cause)
if account ~= '' then
  -- A batch that meets a shut gate has not shut it. Only after a probe can the batch be the only cause.
  if number(shuts_allowed) > 0 and not gate_shut(account) then  -- guard: shuts-counted
    local shuts = redis.call('HINCRBY', batch_key(campaign, batch), 'gate_shuts', 1)
    local probed = redis.call('HGET', account_key(account, 'gate'), 'by') == 'probe'
    if probed and shuts >= number(shuts_allowed) and not in_doubt(campaign, batch) then  -- guard: shuts-refuse-batch
      move(campaign, batch, 'refused', 0, cause .. ' for this batch alone')
      return { 'refused' }
    end
  end
  shut_gate(account, reason, batch_id(campaign, batch))  -- guard: closed-account-shuts-gate
end
-- guard: unanswered-trial-shuts-gate
if unanswered == '1' then trial_without_response(account_of(campaign), campaign, batch, token) end
if in_doubt(campaign, batch) then  -- guard: not-taken-keeps-doubt
  to_doubt(campaign, batch, next_look, cause .. ', an earlier attempt is in doubt')
  return { 'unconfirmed' }
end
return { move_back(campaign, batch, NOW + delay, cause) }
