#!lua flags=allow-oom
-- Makes the suppressed messages of a waiting batch rejects. The rest is due at once.
local campaign, batch, size, held_against, list, next_look, rest, rest_rows = unpack(ARGV, 1, 8)
local FIRST_REJECT = 9
-- ARGV    as of suppression_checked.lua; next_look in milliseconds; the body of the rest and its rows; then
--         (index, row as JSON) of each reject
-- Return  {pending | cancelled | expired | refused | unconfirmed} or {stale}
-- Transition  pending -> pending with what is left; -> refused if nothing is; -> unconfirmed if an earlier attempt is in
--             doubt: a batch in doubt must be sent again without changes
if not waits_unchanged(campaign, batch, size, held_against) then return { 'stale' } end  -- guard: suppressed-rows-as-read
if in_doubt(campaign, batch) then  -- guard: suppressed-rows-keep-doubt
  to_doubt(campaign, batch, next_look, 'suppressed, an earlier attempt is in doubt')
  return { 'unconfirmed' }
end
redis.call('HSET', batch_key(campaign, batch), 'suppressions', list)
return { go_on_without(campaign, batch, FIRST_REJECT, rest, rest_rows, 'suppressed') }
