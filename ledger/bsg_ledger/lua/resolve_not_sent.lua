#!lua flags=allow-oom
-- A person's word that BSG never took the batch: the doubt is over.
-- ARGV  1 campaign, 2 batch
-- Answer  {pending | cancelled | expired} or {stale, state}
-- Transition  unconfirmed -> pending; -> cancelled | expired where that has happened meanwhile
local campaign, batch = ARGV[1], ARGV[2]
local key = batch_key(campaign, batch)
local state = redis.call('HGET', key, 'state')
if state ~= 'unconfirmed' then return { 'stale', state or '' } end
redis.call('HDEL', key, 'doubt', 'first_intent_at', 'asks', 'error', 'suspects', 'explained')
return { move_back(campaign, batch, NOW, 'operator: not sent') }
