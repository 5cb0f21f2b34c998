-- Count an attempt to log in, or say how many seconds the next one must wait.
-- KEYS: attempts. ARGV: now, attempts without delay, longest delay, seconds to remember.
local attempts, now, free, longest = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local open_at = tonumber(redis.call('HGET', attempts, 'open_at') or '0')
if open_at > now and open_at - now <= longest then return open_at - now end
local number = redis.call('HINCRBY', attempts, 'number', 1)
if number >= free then
  redis.call('HSET', attempts, 'open_at', now + math.min(2 ^ math.min(number - free, 30), longest))
end
redis.call('EXPIRE', attempts, ARGV[4])
return 0
