#!lua flags=no-writes
-- Finds the messages that have a digest.
local kind, digest, most = unpack(ARGV, 1, 3)
local FIRST_CAMPAIGN = 4
-- ARGV    kind: of what the digests are; digest; most: bytes that are searched in a call; then campaigns
-- Return  {how many of the campaigns were searched, then campaign and index of the first message of each that has one}
-- Transition  none
local found, searched, bytes = { 0 }, 0, 0

local function index_in(digests)
  local from = 1
  while true do
    local at = string.find(digests, digest, from, true)
    if not at then return nil end
    if (at - 1) % #digest == 0 then return (at - 1) / #digest end  -- guard: digest-begins-here
    from = at + 1
  end
end

for i = FIRST_CAMPAIGN, #ARGV do
  if bytes >= number(most) then break end
  local digests = redis.call('GET', digests_key(ARGV[i], kind)) or ''
  local index = index_in(digests)
  if index then found[#found + 1], found[#found + 2] = ARGV[i], index end
  searched, bytes = searched + 1, bytes + #digests
end
found[1] = searched
return found
