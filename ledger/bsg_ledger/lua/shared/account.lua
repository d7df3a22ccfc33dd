-- An account: the campaigns that are assigned to it, and the keys in use.

local function limit_key(account) return account_key(account, 'limit:submit') end
local function cool_down_key(account) return account_key(account, 'cool-down') end

-- By campaign: its account and account name, as this script has read or assigned them.
local owners = {}

-- Returns the account of a campaign ('' if it is unassigned, false if there is no such campaign), and the account name.
local function owner_of(campaign)
  if not owners[campaign] then owners[campaign] = { get(campaign_key(campaign), 'account', 'account_name') } end
  return unpack(owners[campaign])
end

-- Rule 10: a campaign is assigned permanently to the first account that takes work of it.
local function assign_account(campaign, account)
  local owner, name = owner_of(campaign)
  if owner ~= '' then return end  -- guard: first-account-stays
  redis.call('ZREM', account_key('-' .. name, 'due'), campaign)
  redis.call('HSET', campaign_key(campaign), 'account', account)
  owners[campaign] = { account, name }
end

-- Returns whose indexes have the campaign: its account, or the pseudo account of its account name.
local function account_of(campaign)
  local owner, name = owner_of(campaign)
  return owner and owner ~= '' and owner or '-' .. (name or '')
end

-- A key counts as in use for so long after its last record. Processes record their keys every ten seconds.
local KEY_IN_USE = 30000

local function key_in_use(account) return NOW - number(redis.call('ZSCORE', ACCOUNT_KEYS, account)) < KEY_IN_USE end
