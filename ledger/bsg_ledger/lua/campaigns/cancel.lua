#!lua flags=allow-oom
-- Cancels a campaign: from now on nothing of it leaves. `end_unsent` ends what is unsent and orders the stops.
local campaign = unpack(ARGV)
-- Return  {cancelled, messages that end, messages that are or may be at BSG} or {gone}
-- Transition  none of chunks and batches; the campaign's own flag
local key = campaign_key(campaign)
local paused, ended = get(key, 'paused', 'ended')
local unprepared, pending = get(key, 'messages:unprepared', 'messages:pending')
local posting, in_doubt_too, submitted, finished =
  get(key, 'messages:posting', 'messages:unconfirmed', 'messages:submitted', 'messages:finished')
if not paused then return { 'gone' } end  -- guard: cancel-known
local unsent = number(unprepared) + number(pending)
local sent = number(posting) + number(in_doubt_too) + number(submitted) + number(finished)
redis.call('HSET', key, 'cancelled', '1', 'stop_from', 0)  -- guard: cancel-recorded
redis.call('HDEL', key, 'retry_from')  -- guard: cancel-ends-retry
-- A campaign that has ended gets no event here: its next event is its end as a cancelled one.
if not ended then  -- guard: cancel-unless-ended
  record_event(campaign, '', paused == '1' and 'paused' or 'running', 'cancelling', 'operator',
    sent .. ' messages had gone or may have gone')
end
refresh_ready(campaign)
refresh_campaign(campaign)
refresh_unfinished(campaign)  -- guard: cancel-is-finished
return { 'cancelled', unsent, sent }
