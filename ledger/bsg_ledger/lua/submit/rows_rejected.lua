#!lua flags=allow-oom
-- Makes the rows that BSG named rejects. BSG took nothing, so the rest waits.
local campaign, batch, token, cause, next_look, rest, rest_rows = unpack(ARGV, 1, 7)
local FIRST_REJECT = 8
-- ARGV    next_look in milliseconds; the body of the rest and its rows; then (index, row as JSON) of each reject
-- Return  {pending | cancelled | expired | refused | unconfirmed} or {stale}
-- Transition  posting -> pending with what is left; -> refused if nothing is; -> unconfirmed if an earlier attempt
--             is in doubt; half_open -> open of the gate, if this was its trial
if not held(campaign, batch, token) then return { 'stale' } end  -- guard: rows-rejected-fence
trial_has_response(account_of(campaign), campaign, batch, token)
if in_doubt(campaign, batch) then  -- guard: rows-rejected-keep-doubt
  to_doubt(campaign, batch, next_look, cause .. ', an earlier attempt is in doubt')
  return { 'unconfirmed' }
end
return { go_on_without(campaign, batch, FIRST_REJECT, rest, rest_rows, cause) }
