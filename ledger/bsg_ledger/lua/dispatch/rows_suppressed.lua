#!lua flags=allow-oom
-- Turns the suppressed messages of a waiting batch into rejects: the rest is due at once.
local campaign, batch, size, held_against, list, next_look, rest, rest_size, rest_rows = unpack(ARGV, 1, 9)
local FIRST_REJECT = 10
-- ARGV    as of suppression_checked.lua; next_look in milliseconds; the body of the rest, its size and its rows; then
--         (index, row as JSON) of each reject
-- Return  {pending | cancelled | expired | refused | unconfirmed} or {stale}
-- Transition  pending -> pending with what is left; -> refused if nothing is; -> unconfirmed if an earlier attempt is in
--             doubt: what was sent then must look the same as what is sent again
if not waits_unchanged(campaign, batch, size, held_against) then return { 'stale' } end  -- guard: suppressed-rows-as-read
local key = batch_key(campaign, batch)
if in_doubt(campaign, batch) then  -- guard: suppressed-rows-keep-doubt
  to_doubt(campaign, batch, next_look, 'suppressed, an earlier attempt is in doubt')
  return { 'unconfirmed' }
end
local rejected = reject(campaign, FIRST_REJECT, #ARGV)
count(campaign, 'pending', number(rest_size) - number(size), 0)
count(campaign, 'rejected', rejected, 0)
redis.call('HSET', key, 'size', rest_size, 'rows', rest_rows, 'suppressions', list)
if number(rest_size) == 0 then
  move(campaign, batch, 'refused', 0, 'suppressed', rejected .. ' rows, all of it')
  return { 'refused' }
end
redis.call('SET', key .. ':messages', rest)
return { move_back(campaign, batch, NOW, 'suppressed', rejected .. ' rows') }
