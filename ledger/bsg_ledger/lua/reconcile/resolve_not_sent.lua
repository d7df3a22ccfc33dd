#!lua flags=allow-oom
-- Records an operator's decision that BSG never took the batch, or never sent the campaign that it no longer knows. The
-- doubt is over.
local campaign, batch, shown = unpack(ARGV)
-- ARGV    shown: attempts that the operator was shown, if many are decided at once ('' for one batch by its id)
-- Return  {pending | cancelled | expired} or {stale, state}
-- Transition  unconfirmed, or submitted and lost by BSG, with an operator being asked -> pending; -> cancelled | expired
--             where that has happened meanwhile. Of many, only batches of which BSG has no trace, and that are as shown
local key = batch_key(campaign, batch)
local state, needs_operator, bsg_id, attempts, no_trace = get(key, 'state', 'needs_operator', 'bsg_campaign_id', 'attempts', 'no_trace')
-- guard: resolved-if-asked
if state ~= 'unconfirmed' and not (state == 'submitted' and needs_operator == 'lost') then return { 'stale', state or '' } end
-- guard: resolved-as-shown
if shown ~= '' and (needs_operator ~= 'doubt' or no_trace ~= '1' or attempts ~= shown) then return { 'stale', state } end
if state == 'submitted' then
  -- If its campaign is found later, its batch is known.
  add_other(campaign, batch, bsg_id)
  note_status(campaign, batch, 'unknown')
  redis.call('HDEL', key, 'bsg_campaign_id', 'bsg_status', 'bsg_status_at')
  redis.call('ZREM', account_key(account_of(campaign), 'stops'), bsg_id)
  forget_refusals(account_of(campaign), bsg_id)
end
-- guard: explanation-ends-with-doubt
redis.call('HDEL', key, 'doubt', 'first_intent_at', 'error', 'suspects', 'explained', 'unread_at', 'lost_at')
return { move_back(campaign, batch, NOW, 'operator: not sent') }
