-- A campaign's record: what follows from its counts, and the remaining steps of changes of the whole campaign.

-- The state of a closed campaign: the last lines of `campaign_state` in states.py.
local function final_state(cancelled, finished, expired)
  if cancelled == '1' then return 'cancelled' end
  if number(finished) > 0 then return 'done' end
  return number(expired) > 0 and 'expired' or 'failed'
end

-- Deletes the campaign's own keys, without those of its batches and chunks.
local function unlink_campaign(campaign)
  local key = campaign_key(campaign)
  redis.call('UNLINK', key, key .. ':messages', key .. ':due', key .. ':rejects', key .. ':events', key .. ':chunks',
    key .. ':collected', key .. ':deadlines')
end

-- Each end is recorded once, when the campaign's state changes.
local function refresh_end(campaign, now, before, paused)
  if before == now then return end  -- guard: end-recorded-once
  local key = campaign_key(campaign)
  if now then redis.call('HSET', key, 'ended', now) else redis.call('HDEL', key, 'ended') end  -- guard: end-taken-back
  local open = paused == '1' and 'paused' or 'running'
  record_event(campaign, '', before or open, now or open, now and 'ended' or 'goes on')
end

-- Closed, end and deadline follow from the counts, so callers need not set them.
local function refresh_campaign(campaign)
  local unprepared, pending, posting, unconfirmed, submitted, deadline, ended, paused, cancelled, finished, expired,
    collects_until, stream, accepted_at = get(campaign_key(campaign), 'messages:unprepared', 'messages:pending',
      'messages:posting', 'messages:unconfirmed', 'messages:submitted', 'deadline', 'ended', 'paused', 'cancelled',
      'messages:finished', 'messages:expired', 'collects_until', 'stream', 'accepted_at')
  local unsent = number(unprepared) + number(pending) + number(posting) + number(unconfirmed)
  if unsent > 0 and stream then
    local _, first = earliest(campaign_key(campaign, ':deadlines'))
    deadline = math.min(number(deadline), first or math.huge)  -- guard: batch-deadline-is-swept
  end
  if unsent > 0 then redis.call('ZADD', DEADLINES, deadline, campaign) else redis.call('ZREM', DEADLINES, campaign) end
  local collects = collects_until and cancelled ~= '1'  -- guard: open-while-collecting
  -- guard: open-while-unsent-or-at-bsg
  if unsent == 0 and number(submitted) == 0 and not collects then
    redis.call('ZADD', CLOSED, 'NX', NOW, campaign)
    if stream then redis.call('DEL', campaign_key(campaign, ':deadlines')) end
    redis.call('ZREM', OPEN, campaign)  -- guard: closed-is-not-open
    refresh_end(campaign, final_state(cancelled, finished, expired), ended, paused)
  else
    redis.call('ZREM', CLOSED, campaign)
    redis.call('ZADD', OPEN, accepted_at, campaign)  -- guard: open-again
    refresh_end(campaign, false, ended, paused)
  end
end

-- Write `0 - x` instead of `-x`: Lua formats the negation of zero as -0, which Redis 7 refuses.
local function count(campaign, state, messages, batches)
  redis.call('HINCRBY', campaign_key(campaign), 'messages:' .. state, messages)
  redis.call('HINCRBY', MESSAGES, state, messages)
  if batches ~= 0 then redis.call('HINCRBY', campaign_key(campaign), 'batches:' .. state, batches) end
end

-- Records why a worker could not read the campaign's messages, and when. Readers ignore an old record.
local function note_unreadable(campaign, cause)
  redis.call('HSET', campaign_key(campaign), 'unreadable', cause, 'unreadable_at', NOW)
end

-- Upkeep takes the remaining steps if the process that takes them dies.
local function refresh_unfinished(campaign)
  local stop_from, retry_from, carry_from = get(campaign_key(campaign), 'stop_from', 'retry_from', 'carry_from')
  local left = redis.call('EXISTS', campaign_key(campaign, ':committed'), campaign_key(campaign, ':sizes'))
  if stop_from or retry_from or carry_from or left > 0 then
    redis.call('ZADD', UNFINISHED, 'NX', NOW, campaign)
  else
    redis.call('ZREM', UNFINISHED, campaign)
  end
end
