#!lua flags=allow-oom
-- Records an outcome that says neither yes nor no; several in a row shut the gate.
-- ARGV  1 campaign, 2 batch, 3 token, 4 account, 5 cause, 6 next look (ms),
--       7 doubts in a row that shut the gate (0: this one does not count),
--       8 rows whose reference ids BSG says it knows, as 3,17 (- if it does not say which; '' for any other doubt)
-- Returns {unconfirmed} or {stale}
-- Transition  posting -> unconfirmed;
--             half_open -> shut of the gate, if this was its trial and BSG named no reference ids
local campaign, batch = ARGV[1], ARGV[2]
if not held(campaign, batch, ARGV[3]) then return { 'stale' } end  -- guard: doubtful-fence
local key = batch_key(campaign, batch)
redis.call('HSET', key, 'error', ARGV[5])
-- Only while no earlier attempt is in doubt can this no be explained by ids that were used before.
if ARGV[8] ~= '' and not in_doubt(campaign, batch) then  -- guard: used-ids-explain
  redis.call('HSET', key, 'suspects', ARGV[8])
else
  redis.call('HDEL', key, 'suspects')  -- guard: old-suspects-forgotten
end
to_doubt(campaign, batch, ARGV[6], ARGV[5])
local allowed = number(ARGV[7])
-- Reference ids that BSG knows, or a body that it had before, are a response, though they decide nothing about this
-- batch.
-- guard: doubtful-trial-shuts-gate
if allowed > 0 and ARGV[8] == '' then trial_without_response(ARGV[4], campaign, batch, ARGV[3]) end
-- guard: doubt-does-not-count
if allowed > 0 and redis.call('HINCRBY', account_key(ARGV[4], 'gate'), 'doubts', 1) >= allowed then
  shut_gate(ARGV[4], 'doubts', batch_id(campaign, batch))  -- guard: doubts-shut-gate
end
return { 'unconfirmed' }
