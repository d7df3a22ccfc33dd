#!lua
-- Keeps the stored chunks of a campaign that does not exist yet for longer.
local campaign, keep = unpack(ARGV)
-- ARGV    keep: after how long they vanish (ms)
-- Return  {renewed | accepted}
-- Transition  none
-- A command that Redis reads late must not let the messages of an accepted campaign vanish.
if redis.call('EXISTS', campaign_key(campaign)) == 1 then return { 'accepted' } end  -- guard: renewed-before-acceptance
redis.call('PEXPIRE', campaign_key(campaign, ':messages'), keep)
return { 'renewed' }
