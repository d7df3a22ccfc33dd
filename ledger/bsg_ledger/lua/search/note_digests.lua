#!lua
-- Notes digests of messages of a campaign, by the messages' indexes.
local campaign, kind, keep, size = unpack(ARGV, 1, 4)
local FIRST_RANGE = 5
-- ARGV    kind: of what the digests are; keep: for how long (ms); size: of a digest (bytes); then of each range of messages
--         the index of the first one, and the digests of all, one behind the other
-- Return  {noted}, or {gone} if the ledger does not know the campaign
-- Transition  none
if redis.call('EXISTS', campaign_key(campaign)) == 0 then return { 'gone' } end
local key = digests_key(campaign, kind)
for first = FIRST_RANGE, #ARGV, 2 do
  redis.call('SETRANGE', key, number(ARGV[first]) * number(size), ARGV[first + 1])
end
redis.call('PEXPIRE', key, keep)  -- guard: digests-expire
return { 'noted' }
