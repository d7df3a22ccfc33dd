-- A stream: the campaigns that take up its messages one after the other.

-- The stream's campaign takes up no more messages. It may be closed then.
local function stop_collecting(campaign)
  redis.call('ZREM', COLLECTING, campaign)  -- guard: stopped-is-not-swept
  redis.call('DEL', campaign_key(campaign, ':collected'))
  if redis.call('HDEL', campaign_key(campaign), 'collects_until', 'collecting_batch') > 0 then refresh_campaign(campaign) end
end

-- A ledger that went back would number its next messages like those that it has lost, and BSG may know their ids.
local function stop_all_collecting()
  for _, campaign in ipairs(redis.call('ZRANGE', COLLECTING, 0, -1)) do stop_collecting(campaign) end
end
