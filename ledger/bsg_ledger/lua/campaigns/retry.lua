#!lua flags=allow-oom
-- Begins to send refused and expired messages again. `retry_some` takes the steps.
local campaign, new_deadline = unpack(ARGV)
-- ARGV    new_deadline: in milliseconds; '' keeps the old one
-- Return  {retried, messages}, {late} if the deadline has passed, {forgotten} if bodies are gone, {cancelled} or {gone}
-- Transition  none of chunks and batches
local key = campaign_key(campaign)
local old_deadline, cancelled, forgotten, refused, expired =
  get(key, 'deadline', 'cancelled', 'bodies_forgotten_at', 'messages:refused', 'messages:expired')
local deadline = new_deadline ~= '' and new_deadline or old_deadline
local messages = number(refused) + number(expired)
if not old_deadline then return { 'gone' } end  -- guard: retry-known
if cancelled == '1' then return { 'cancelled' } end  -- guard: retry-not-cancelled
if number(deadline) <= NOW then return { 'late' } end  -- guard: retry-before-deadline
if forgotten and messages > 0 then return { 'forgotten' } end  -- guard: retry-has-bodies
redis.call('HSET', key, 'deadline', deadline)
if messages > 0 then redis.call('HSET', key, 'retry_from', 0) end
refresh_ready(campaign)  -- guard: retry-is-dispatched
refresh_campaign(campaign)
refresh_unfinished(campaign)  -- guard: retry-is-finished
return { 'retried', messages }
