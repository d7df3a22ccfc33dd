#!lua flags=allow-oom
-- Rows that are not to be sent become rejects, the rest waits: BSG named them and took nothing, or they are suppressed.
-- ARGV  1 campaign, 2 batch, 3 token, 4 cause, 5 next look (ms), 6 body of the rest, 7 size of the rest,
--       8 rows of the rest, 9 state that it is held in: posting (BSG named them) or claimed, 10... (index, row as JSON) of each reject
-- Answer  {pending | cancelled | expired | refused | unconfirmed} or {stale}
-- Transition  posting, claimed -> pending with what is left; -> refused if nothing is; -> unconfirmed if an earlier attempt
--             is in doubt; half_open -> open of the gate, if this was its trial and BSG answered it
local campaign, batch = ARGV[1], ARGV[2]
local key = batch_key(campaign, batch)
if not held(campaign, batch, ARGV[9], ARGV[3]) then return { 'stale' } end  -- guard: rows-rejected-fence
if ARGV[9] == 'posting' then trial_answered(account_of(campaign), campaign, batch, ARGV[3]) end
if in_doubt(campaign, batch) then  -- guard: rows-rejected-keep-doubt
  to_doubt(campaign, batch, ARGV[5], ARGV[4] .. ', an earlier attempt is in doubt')
  return { 'unconfirmed' }
end
local rejected = reject(campaign, 10, #ARGV)
count(campaign, ARGV[9], number(ARGV[7]) - number(redis.call('HGET', key, 'size')), 0)
count(campaign, 'rejected', rejected, 0)
redis.call('HSET', key, 'size', ARGV[7], 'rows', ARGV[8])
if number(ARGV[7]) == 0 then  -- guard: empty-batch-is-refused
  move(campaign, batch, 'refused', 0, ARGV[4], rejected .. ' rows, all of it')
  return { 'refused' }
end
redis.call('SET', key .. ':messages', ARGV[6])  -- guard: refused-rows-taken-out
return { move_back(campaign, batch, NOW, ARGV[4], rejected .. ' rows') }
