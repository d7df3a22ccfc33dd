#!lua flags=allow-oom
-- Rows that BSG named become rejects, the rest waits: it took nothing.
-- ARGV  1 campaign, 2 batch, 3 token, 4 cause, 5 next look (ms), 6 body of the rest, 7 size of the rest,
--       8 rows of the rest, 9... (index, row as JSON) of each reject
-- Returns {pending | cancelled | expired | refused | unconfirmed} or {stale}
-- Transition  posting -> pending with what is left; -> refused if nothing is; -> unconfirmed if an earlier attempt
--             is in doubt; half_open -> open of the gate, if this was its trial
local campaign, batch = ARGV[1], ARGV[2]
local key = batch_key(campaign, batch)
if not held(campaign, batch, ARGV[3]) then return { 'stale' } end  -- guard: rows-rejected-fence
trial_has_response(account_of(campaign), campaign, batch, ARGV[3])
if in_doubt(campaign, batch) then  -- guard: rows-rejected-keep-doubt
  to_doubt(campaign, batch, ARGV[5], ARGV[4] .. ', an earlier attempt is in doubt')
  return { 'unconfirmed' }
end
local rejected = reject(campaign, 9, #ARGV)
count(campaign, 'posting', number(ARGV[7]) - number(redis.call('HGET', key, 'size')), 0)
count(campaign, 'rejected', rejected, 0)
redis.call('HSET', key, 'size', ARGV[7], 'rows', ARGV[8])
if number(ARGV[7]) == 0 then  -- guard: empty-batch-is-refused
  move(campaign, batch, 'refused', 0, ARGV[4], rejected .. ' rows, all of it')
  return { 'refused' }
end
redis.call('SET', key .. ':messages', ARGV[6])  -- guard: refused-rows-taken-out
return { move_back(campaign, batch, NOW, ARGV[4], rejected .. ' rows') }
