#!lua flags=allow-oom
-- Adds what BSG pushed of messages to the feed of delivery reports.
-- ARGV  1 reports to keep, then eight a report: campaign and index ('' if its reference id names none), reference id,
--       status, price, currency, sent at, delivered at
-- Return  {how many were added}: a report of a campaign that is not there is left out
-- Transition  none
local added = 0
for first = 2, #ARGV, 8 do
  local campaign = ARGV[first]
  if campaign == '' or redis.call('EXISTS', campaign_key(campaign)) == 1 then  -- guard: report-of-known-campaign
    local sequence = redis.call('HINCRBY', LEDGER, 'delivery_reports', 1)
    redis.call('XADD', DELIVERY_REPORTS, 'MAXLEN', '~', ARGV[1], '*', 'campaign_id', campaign,
      'index', ARGV[first + 1], 'reference_id', ARGV[first + 2], 'status', ARGV[first + 3], 'price', ARGV[first + 4],
      'currency', ARGV[first + 5], 'sent_at', ARGV[first + 6], 'delivered_at', ARGV[first + 7], 'sequence', sequence)
    added = added + 1
  end
end
return { added }
