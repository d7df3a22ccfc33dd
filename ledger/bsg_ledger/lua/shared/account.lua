-- An account: whose a campaign is, and which keys processes have.

local function limit_key(account) return account_key(account, 'limit:submit') end
local function cool_down_key(account) return account_key(account, 'cool-down') end

-- Rule 10: a campaign is assigned to the first account that takes something of it, for good.
local function assign_account(campaign, account)
  local owner, named = get(campaign_key(campaign), 'account', 'account_name')
  if owner ~= '' then return end  -- guard: first-account-stays
  redis.call('ZREM', account_key('-' .. named, 'due'), campaign)
  redis.call('HSET', campaign_key(campaign), 'account', account)
end

local function account_of(campaign)
  local owner, named = get(campaign_key(campaign), 'account', 'account_name')
  return owner and owner ~= '' and owner or '-' .. (named or '')
end

-- How long after its last note a process may still have a key: they note it every ten seconds.
local KEY_IN_USE = 30000

local function key_in_use(account) return NOW - number(redis.call('ZSCORE', ACCOUNT_KEYS, account)) < KEY_IN_USE end
