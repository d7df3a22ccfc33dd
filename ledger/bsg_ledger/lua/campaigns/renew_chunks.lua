#!lua
-- Extends the expiry of the stored chunks of a campaign that does not exist yet.
local campaign, keep = unpack(ARGV)
-- ARGV    keep: after how long they vanish (ms)
-- Return  {renewed | accepted}
-- Transition  none
-- A delayed command must not set an expiry on the messages of an accepted campaign.
if redis.call('EXISTS', campaign_key(campaign)) == 1 then return { 'accepted' } end  -- guard: renewed-before-acceptance
redis.call('PEXPIRE', campaign_key(campaign, ':messages'), keep)
return { 'renewed' }
