#!lua flags=allow-oom
-- Records an outcome in doubt. Several in a row shut the gate.
local campaign, batch, token, account, cause, next_look, allowed, suspects = unpack(ARGV)
-- ARGV    next_look: in milliseconds; allowed: doubts in a row that shut the gate (0: this one does not count);
--         suspects: rows whose reference ids BSG says it knows, as 3,17 (- if it does not say which; '' for any other
--         doubt)
-- Return  {unconfirmed} or {stale}
-- Transition  posting -> unconfirmed;
--             half_open -> shut of the gate, if this was its trial and BSG named no reference ids
if not held(campaign, batch, token) then return { 'stale' } end  -- guard: doubtful-fence
local key = batch_key(campaign, batch)
redis.call('HSET', key, 'error', cause)
-- Ids that were used before explain this refusal only if no earlier attempt is in doubt.
if suspects ~= '' and not in_doubt(campaign, batch) then  -- guard: used-ids-explain
  redis.call('HSET', key, 'suspects', suspects)
else
  redis.call('HDEL', key, 'suspects')  -- guard: old-suspects-forgotten
end
to_doubt(campaign, batch, next_look, cause)
allowed = number(allowed)
-- A refusal because of known reference ids, or of a repeated body, is a response to the trial, although it does not
-- decide this batch.
-- guard: doubtful-trial-shuts-gate
if allowed > 0 and suspects == '' then trial_without_response(account, campaign, batch, token) end
-- guard: doubt-does-not-count
if allowed > 0 and redis.call('HINCRBY', account_key(account, 'gate'), 'doubts', 1) >= allowed then
  shut_gate(account, 'doubts', batch_id(campaign, batch))  -- guard: doubts-shut-gate
end
return { 'unconfirmed' }
