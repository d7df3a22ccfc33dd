-- A stream: for each of the options of its senders, the campaigns that take up messages one after the other.

-- During a rolling deploy, old and new options are in use at the same time. A campaign for each of them takes up messages.
local function collecting_field(options_digest) return 'campaign:' .. options_digest end

-- The stream's campaign takes up no more messages. It may be closed then.
local function stop_collecting(campaign)
  local stream, options_digest = get(campaign_key(campaign), 'stream', 'options_digest')
  local record, field = stream_key(stream), collecting_field(options_digest)
  -- guard: next-campaign-collects-on
  if redis.call('HGET', record, field) == campaign then redis.call('HDEL', record, field) end
  redis.call('ZREM', COLLECTING, campaign)  -- guard: stopped-is-not-swept
  redis.call('DEL', campaign_key(campaign, ':collected'))
  if redis.call('HDEL', campaign_key(campaign), 'collects_until', 'collecting_batch') > 0 then refresh_campaign(campaign) end
end

-- How often the ledger went back. It would number its next messages like those that it has lost, so each campaign that
-- was begun before takes up no more of them.
local function rollbacks() return number(redis.call('HGET', LEDGER, 'rollbacks')) end
