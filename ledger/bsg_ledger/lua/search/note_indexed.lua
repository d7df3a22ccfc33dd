#!lua
-- Records up to which transition of the feed messages have been indexed.
local position = unpack(ARGV)
-- ARGV    position: in the feed
-- Return  {noted}
-- Transition  none
redis.call('HSET', MESSAGE_INDEX, 'position', position)  -- guard: index-position-noted
return { 'noted' }
