-- An account: the campaigns that are assigned to it, and the keys in use.

local function limit_key(account) return account_key(account, 'limit:submit') end
local function cool_down_key(account) return account_key(account, 'cool-down') end

-- Rule 10: a campaign is assigned permanently to the first account that takes work of it.
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

-- A key counts as in use for so long after its last record. Processes record their keys every ten seconds.
local KEY_IN_USE = 30000

local function key_in_use(account) return NOW - number(redis.call('ZSCORE', ACCOUNT_KEYS, account)) < KEY_IN_USE end
