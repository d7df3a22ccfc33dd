#!lua flags=allow-oom
-- Leases the campaign's next due chunk for a recovery, even if the account's gate is shut.
local campaign, token, lease, losses_allowed = unpack(ARGV)
-- ARGV    lease in milliseconds; leases that a chunk may lose before it is given up
-- Return  {prepare, campaign, chunk, packed messages, options, first index, size, suppressions}, {again, campaign} if a
--         chunk was given up, or {none, when the next is due or -1}
-- Transition  unprepared -> preparing; preparing (lease over) -> preparing | failed (its messages: rejected)
local leased = lease_chunk(campaign, token, lease, losses_allowed)
if leased then return leased end  -- guard: recovery-leases-chunk
local _, at = earliest(campaign_key(campaign, ':chunks'))
return { 'none', at or -1 }
