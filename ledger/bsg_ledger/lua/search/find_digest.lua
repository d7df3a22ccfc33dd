#!lua flags=no-writes
-- Finds the messages that have a digest.
local kind, digest, from, most = unpack(ARGV, 1, 4)
local FIRST_CAMPAIGN = 5
-- ARGV    kind: of what the digests are; digest; from: the byte at which the first campaign is searched on; most: bytes that
--         are searched in a call, whole digests; then campaigns
-- Return  {how many of the campaigns were searched to their end, the byte at which the next one is searched on, then campaign
--         and index of the first message of each that has one}
-- Transition  none
local found, searched, left = { 0, 0 }, 0, number(most)

local function index_in(digests)
  local next_byte = 1
  while true do
    local at = string.find(digests, digest, next_byte, true)
    if not at then return nil end
    if (at - 1) % #digest == 0 then return (at - 1) / #digest end  -- guard: digest-begins-here
    next_byte = at + 1
  end
end

for i = FIRST_CAMPAIGN, #ARGV do
  local first = i == FIRST_CAMPAIGN and number(from) or 0
  local digests = redis.call('GETRANGE', digests_key(ARGV[i], kind), first, first + left - 1)
  local index = index_in(digests)
  left = left - #digests
  if index then
    found[#found + 1], found[#found + 2] = ARGV[i], first / #digest + index
  elseif left == 0 then
    found[2] = first + #digests
    break
  end
  searched = searched + 1
  if left == 0 then break end
end
found[1] = searched
return found
