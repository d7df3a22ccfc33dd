#!lua flags=allow-oom
-- Adds delivery reports that BSG pushed to their feed.
local kept = unpack(ARGV, 1, 1)
local FIRST_REPORT, FIELDS = 2, 9
-- ARGV    kept: reports to keep; then of each report: campaign and index ('' if its reference id names none), message id
--         ('' if it is the reference id), reference id, status, price, currency, sent at, delivered at
-- Return  {how many were added}: reports of unknown campaigns are left out
-- Transition  none
local added = 0
for first = FIRST_REPORT, #ARGV, FIELDS do
  local campaign, index, message_id, reference_id, status, price, currency, sent_at, delivered_at =
    unpack(ARGV, first, first + FIELDS - 1)
  -- guard: report-of-known-campaign
  if campaign == '' or redis.call('EXISTS', campaign_key(campaign), record_key(campaign)) > 0 then
    local sequence = redis.call('HINCRBY', LEDGER, 'delivery_reports', 1)
    redis.call('XADD', DELIVERY_REPORTS, 'MAXLEN', '~', kept, '*', 'campaign_id', campaign,
      'index', index, 'message_id', message_id, 'reference_id', reference_id, 'status', status, 'price', price,
      'currency', currency, 'sent_at', sent_at, 'delivered_at', delivered_at, 'sequence', sequence)
    added = added + 1
  end
end
return { added }
