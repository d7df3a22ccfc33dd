#!lua flags=allow-oom
-- Expires some waiting batches whose own deadlines have passed, before that of their campaign. Batches that are on the
-- wire or in doubt expire when they come back.
local campaign, most = unpack(ARGV)
-- ARGV    most: batches at most
-- Return  {more | done}
-- Transition  pending -> expired
local held_for, held_until = get(campaign_key(campaign), 'held_for', 'held_until')
local due = redis.call('ZRANGEBYSCORE', campaign_key(campaign, ':deadlines'), '-inf', NOW, 'LIMIT', 0, most)
for _, batch in ipairs(due) do
  redis.call('ZREM', campaign_key(campaign, ':deadlines'), batch)
  local state, deadline = get(batch_key(campaign, batch), 'state', 'deadline')
  -- A retry lifts the deadline of a batch.
  -- guard: sweep-expires-waiting-batch
  if state == 'pending' and deadline then
    change_state(campaign, batch, 'expired', 0, expiry_cause(deadline, held_for, held_until))
  end
end
if #due > 0 then
  refresh_ready(campaign)
  refresh_campaign(campaign)
end
return { #due == number(most) and 'more' or 'done' }
