#!lua flags=allow-oom
-- Replaces the token only if it is the failed one. Then releases the login.
-- KEYS: token, login. ARGV: the failed token ('' for none), the new token, the holder of the login.
-- Returns the current token.
local current = redis.call('GET', KEYS[1]) or ''
if current == ARGV[1] then  -- guard: replace-failed-token
  redis.call('SET', KEYS[1], ARGV[2])
  current = ARGV[2]
end
if redis.call('GET', KEYS[2]) == ARGV[3] then
  redis.call('DEL', KEYS[2])
end
return current
