#!lua flags=allow-oom
-- KEYS: login. ARGV: who holds it. Another's login is left alone.
if redis.call('GET', KEYS[1]) == ARGV[1] then  -- guard: release-own-login
  redis.call('DEL', KEYS[1])
end
return 1
