#!lua flags=allow-oom
-- Ends what has not been sent: by an operator's cancel, or because the deadline has passed. On a cancel, what is at
-- BSG is put down to be stopped there.
-- ARGV  1 campaign, 2 cancelled or expired
-- Answer  {ended, messages ended now, messages that are or may be at BSG}, {early} or {gone}
-- Transition  parts: unprepared, preparing -> cancelled | expired; batches: pending, claimed -> cancelled | expired
local campaign, to = ARGV[1], ARGV[2]
local key = campaign_key(campaign)
local parts, batches, deadline, account, paused, before =
  get(key, 'parts', 'next_batch', 'deadline', 'account', 'paused', 'ended')
if not parts then return { 'gone' } end  -- guard: end-known
if to == 'expired' and number(deadline) > NOW then return { 'early' } end  -- guard: expire-after-deadline
local cause, ended, sent, unsent = to == 'cancelled' and 'operator' or 'deadline passed', 0, 0, {}
if to == 'cancelled' then redis.call('HSET', key, 'cancelled', '1') end  -- guard: cancel-recorded
for batch = 0, number(batches) - 1 do
  local state, size, bsg_id, others =
    get(batch_key(campaign, batch), 'state', 'size', 'bsg_campaign_id', 'other_bsg_campaign_ids')
  if state == 'pending' or state == 'claimed' then  -- guard: end-only-unsent
    unsent[#unsent + 1] = batch
    ended = ended + number(size)
  elseif state == 'submitted' or state == 'finished' or state == 'posting' or state == 'unconfirmed' then
    sent = sent + number(size)
    -- guard: cancel-stops-submitted
    if to == 'cancelled' and state == 'submitted' then order_stop(campaign, batch, account, bsg_id) end
    for other in string.gmatch(to == 'cancelled' and others or '', '%d+') do
      -- Those that only repeat the one that counts are being stopped already.
      if redis.call('HEXISTS', batch_key(campaign, batch), 'beside:' .. other) == 1 then
        order_stop(campaign, batch, account, other)
      end
    end
  end
end
-- A campaign that has ended does not wait for anything: its next event is its end as a cancelled one.
if to == 'cancelled' and not before then  -- guard: cancel-unless-ended
  record_event(campaign, '', paused == '1' and 'paused' or 'running', 'cancelling', cause,
    sent .. ' messages had gone or may have gone')
end
for _, part in ipairs(redis.call('ZRANGE', key .. ':parts', 0, -1)) do
  local state, size = get(part_key(campaign, part), 'state', 'size')
  redis.call('HSET', part_key(campaign, part), 'state', to)
  redis.call('HDEL', part_key(campaign, part), 'token', 'lease_until')  -- guard: cancel-takes-chunks
  count(campaign, 'unprepared', 0 - number(size), 0)
  count(campaign, to, number(size), 0)
  record_event(campaign, 'part ' .. part, state, to, cause)
  ended = ended + number(size)
end
redis.call('DEL', key .. ':parts')
for _, batch in ipairs(unsent) do move(campaign, batch, to, 0, cause) end
refresh_prepare(campaign)
refresh_due(campaign)
refresh_campaign(campaign)
if to == 'expired' then redis.call('ZREM', DEADLINES, campaign) end
return { 'ended', ended, sent }
