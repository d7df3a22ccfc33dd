#!lua flags=allow-oom
-- Deletes a compacted campaign.
local campaign, idempotency, stream = unpack(ARGV, 1, 3)
local FIRST_STATE = 4
-- ARGV    idempotency, stream: of its record ('': none); then (state, messages) of its record
-- Return  {done}, {open} if it has steps left, or {gone}
-- Transition  none of states
if not is_compacted(campaign) then return { 'gone' } end  -- guard: forget-compacted-once
if redis.call('ZSCORE', UNFINISHED, campaign) then return { 'open' } end  -- guard: forget-compacted-finished-only
for i = FIRST_STATE, #ARGV, 2 do redis.call('HINCRBY', MESSAGES, ARGV[i], 0 - number(ARGV[i + 1])) end
redis.call('UNLINK', record_key(campaign), pages_key(campaign))
if idempotency ~= '' then redis.call('DEL', idempotency_key(idempotency)) end
if stream ~= '' then redis.call('ZREM', stream_campaigns_key(stream), campaign) end
redis.call('ZREM', CAMPAIGNS, campaign)
return { 'done' }
