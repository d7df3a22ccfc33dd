#!lua flags=allow-oom
-- KEYS: login. ARGV: its holder. The login of another holder is not released.
if redis.call('GET', KEYS[1]) == ARGV[1] then  -- guard: release-own-login
  redis.call('DEL', KEYS[1])
end
return 1
