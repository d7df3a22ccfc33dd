#!lua flags=allow-oom
-- Takes the campaign's next due batch and its body; the first claim assigns the campaign to the account.
-- ARGV  1 campaign, 2 bell that is answered by this ('' for none), 3 account, 4 token, 5 lease (ms),
--       6 the account's name
-- Answer  {claimed, batch, envelope, size, attempts, body, suppressions that it was held against, suppressions
--         now}, {none, when the next is due or -1},
--         or {gone | paused | cancelled | foreign | gate | full}; gate too while a half-open one has its trial
-- Transition  pending -> claimed (or expired, when the deadline has passed); the campaign is paused where the batch
--             would cost more than is allowed
local campaign, account = ARGV[1], ARGV[3]
local key = campaign_key(campaign)
redis.call('ZREM', key .. ':rung', ARGV[2])  -- guard: answered-wake-up-is-over
local envelope, owner, named, paused, cancelled, window, deadline = get(key, 'envelope', 'account', 'account_name',
  'paused', 'cancelled', 'window', 'deadline')
if not envelope then return { 'gone' } end  -- guard: claim-of-unknown-campaign

-- Whoever rang had put the campaign off until somebody would have claimed: nobody does, so the next sweep rings again.
local function left_alone(why)
  refresh_due(campaign)  -- guard: unclaimed-is-due-again
  return { why }
end

-- guard: claim-of-own-account
if owner ~= account and (owner ~= '' or named ~= ARGV[6]) then return left_alone('foreign') end
if cancelled == '1' then return { 'cancelled' } end  -- guard: claim-cancelled
if paused == '1' then return { 'paused' } end  -- guard: claim-paused
local half_open = gate_half_open(account)
if gate_shut(account) or (half_open and trial_runs(account)) then return left_alone('gate') end  -- guard: claim-gate
if redis.call('ZCARD', key .. ':leases') >= number(window) then return { 'full' } end  -- guard: campaign-window

while true do
  local batch, at = earliest(key .. ':due')
  if not batch then return { 'none', -1 } end
  if at > NOW and number(deadline) > NOW then  -- guard: claim-after-backoff
    refresh_due(campaign)
    return { 'none', at }
  end
  assign_account(campaign, account)
  if number(deadline) > NOW then  -- guard: claim-before-deadline
    local answer = affordable(campaign, batch)
    if answer == 'wait' then return { 'full' } end  -- guard: first-price-awaited
    if answer ~= 'yes' then  -- guard: claim-within-cap
      redis.call('HSET', key, 'paused', '1', 'capped', answer)
      record_event(campaign, '', 'running', 'paused', answer)
      refresh_due(campaign)
      return { 'paused' }
    end
    redis.call('HSET', batch_key(campaign, batch), 'token', ARGV[4], 'lease_until', NOW + ARGV[5])
    move(campaign, batch, 'claimed', NOW + ARGV[5], 'claimed')
    -- guard: claim-becomes-trial
    if half_open then redis.call('HSET', account_key(account, 'gate'), 'trial', batch_id(campaign, batch) .. ':' .. ARGV[4]) end
    local size, attempts, held_against = get(batch_key(campaign, batch), 'size', 'attempts', 'suppressions')
    return { 'claimed', batch, envelope, size, attempts, redis.call('GET', batch_key(campaign, batch) .. ':messages'),
      number(held_against), suppressions() }
  end
  move(campaign, batch, 'expired', 0, 'deadline passed')
end
