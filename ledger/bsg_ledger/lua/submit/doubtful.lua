#!lua flags=allow-oom
-- Records an outcome that says neither yes nor no; several in a row shut the gate.
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
-- Only while no earlier attempt is in doubt can this no be explained by ids that were used before.
if suspects ~= '' and not in_doubt(campaign, batch) then  -- guard: used-ids-explain
  redis.call('HSET', key, 'suspects', suspects)
else
  redis.call('HDEL', key, 'suspects')  -- guard: old-suspects-forgotten
end
to_doubt(campaign, batch, next_look, cause)
allowed = number(allowed)
-- Reference ids that BSG knows, or a body that it had before, are a response, though they decide nothing about this
-- batch.
-- guard: doubtful-trial-shuts-gate
if allowed > 0 and suspects == '' then trial_without_response(account, campaign, batch, token) end
-- guard: doubt-does-not-count
if allowed > 0 and redis.call('HINCRBY', account_key(account, 'gate'), 'doubts', 1) >= allowed then
  shut_gate(account, 'doubts', batch_id(campaign, batch))  -- guard: doubts-shut-gate
end
return { 'unconfirmed' }
