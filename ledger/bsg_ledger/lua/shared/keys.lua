-- Builds the keys of bsg_ledger/schema.py, which explains each of them. It comes before every other script.
local LEDGER, MESSAGES, EVENTS, DELIVERY_REPORTS = 'bsg:ledger', 'bsg:messages', 'bsg:events', 'bsg:delivery-reports'
local CAMPAIGNS, OPEN, CLOSED, DEADLINES = 'bsg:campaigns', 'bsg:open', 'bsg:closed', 'bsg:deadlines'
local UNFINISHED, COLLECTING, STREAMS = 'bsg:unfinished', 'bsg:collecting', 'bsg:streams'
local SUPPRESSED, SUPPRESSION_SOURCES, STOP_LISTS = 'bsg:suppressed', 'bsg:suppression-sources', 'bsg:stop-lists'
local ACCOUNT_NAMES, ACCOUNT_KEYS = 'bsg:account-names', 'bsg:keys'
local OPERATOR_LOG = 'bsg:operator-log'
local MESSAGE_INDEX = 'bsg:message-index'

local function idempotency_key(key) return 'bsg:idempotency:' .. key end
local function rollback_detector_key(process) return 'bsg:rollback-detector:' .. process end
local function suppressed_from(source) return 'bsg:suppressed:from:' .. source end
local function stream_key(stream) return 'bsg:stream:' .. stream end
local function stream_campaigns_key(stream) return stream_key(stream) .. ':campaigns' end
local function stream_keys_key(stream, keys) return 'bsg:stream:' .. stream .. ':keys:' .. keys end
local function campaign_key(campaign, suffix) return 'bsg:campaign:' .. campaign .. (suffix or '') end
local function chunk_key(campaign, chunk) return campaign_key(campaign, ':chunk:' .. chunk) end
local function batch_key(campaign, batch) return campaign_key(campaign, ':batch:' .. batch) end
local function record_key(campaign) return campaign_key(campaign, ':record') end
local function pages_key(campaign) return campaign_key(campaign, ':pages') end
local function digests_key(campaign, kind) return campaign_key(campaign, ':digests:' .. kind) end
local function account_key(account, suffix) return 'bsg:account:' .. account .. ':' .. suffix end
local function index_key(account, index) return account == '' and 'bsg:' .. index or account_key(account, index) end

