#!lua flags=allow-oom
-- Forgets a closed campaign's bodies, or all of it.
-- ARGV  1 campaign, 2 bodies or ledger
-- Answer  {forgotten} or {open}
-- Transition  none of states
local campaign = ARGV[1]
local key = campaign_key(campaign)
if not redis.call('ZSCORE', CLOSED, campaign) then return { 'open' } end  -- guard: forget-closed-only
local parts, batches, account, idempotency = get(key, 'parts', 'next_batch', 'account', 'idempotency_key')
for part = 0, number(parts) - 1 do
  redis.call('UNLINK', part_key(campaign, part) .. ':messages')
  if ARGV[2] == 'ledger' then redis.call('DEL', part_key(campaign, part)) end
end
for batch = 0, number(batches) - 1 do
  redis.call('UNLINK', batch_key(campaign, batch) .. ':messages')
  if ARGV[2] == 'ledger' then
    local bsg_id, others = get(batch_key(campaign, batch), 'bsg_campaign_id', 'other_bsg_campaign_ids')
    if bsg_id then redis.call('HDEL', account_key(account, 'owners'), bsg_id) end
    for other in string.gmatch(others or '', '%d+') do redis.call('HDEL', account_key(account, 'owners'), other) end
    if account and account ~= '' then
      redis.call('ZREM', account_key(account, 'live'), batch_id(campaign, batch))
      for _, index in pairs(HELD_AT_BSG) do redis.call('ZREM', account_key(account, index), batch_id(campaign, batch)) end
    end
    redis.call('DEL', batch_key(campaign, batch))
  end
end
if ARGV[2] == 'ledger' then
  for _, state in ipairs(redis.call('HKEYS', MESSAGES)) do
    redis.call('HINCRBY', MESSAGES, state, 0 - number(redis.call('HGET', key, 'messages:' .. state)))
  end
  redis.call('DEL', key, key .. ':due', key .. ':leases', key .. ':rung', key .. ':rejects', key .. ':events', key .. ':parts')
  redis.call('DEL', idempotency_key(idempotency))
  for _, index in ipairs({ CLOSED, CAMPAIGNS, DEADLINES, PREPARE }) do redis.call('ZREM', index, campaign) end
else
  redis.call('HSET', key, 'bodies_forgotten_at', NOW)
end
return { 'forgotten' }
