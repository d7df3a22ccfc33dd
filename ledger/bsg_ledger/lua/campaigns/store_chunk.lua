#!lua
-- Stores the messages of a chunk of a campaign that does not exist yet.
local campaign, chunk, messages, keep = unpack(ARGV)
-- ARGV    keep: after how long all chunks of the campaign vanish (ms), unless it is accepted or they are renewed
-- Return  {stored | accepted}
-- Transition  none
-- A delayed command must not set an expiry on the messages of an accepted campaign.
if redis.call('EXISTS', campaign_key(campaign)) == 1 then return { 'accepted' } end  -- guard: stored-before-acceptance
redis.call('HSET', campaign_key(campaign, ':messages'), chunk, messages)
redis.call('PEXPIRE', campaign_key(campaign, ':messages'), keep)
return { 'stored' }
