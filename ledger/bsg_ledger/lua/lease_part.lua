#!lua flags=allow-oom
-- Leases the campaign's next part that is due, whatever its account may do now: for a recovery.
local campaign, token, lease, losses_allowed = unpack(ARGV)
-- ARGV    lease in milliseconds; leases that a part may lose before it is given up
-- Return  {prepare, campaign, part, packed messages, options, first index, size, suppressions}, {again} if a part was
--         given up, or {none, when the next is due or -1}
-- Transition  unprepared -> preparing; preparing (lease over) -> preparing | failed (its messages: rejected)
local leased = lease_part(campaign, token, lease, losses_allowed)
if leased then return leased end  -- guard: recovery-leases-chunk
local _, at = earliest(campaign_key(campaign, ':parts'))
return { 'none', at or -1 }
