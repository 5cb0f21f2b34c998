-- Count an attempt to log in, or say how long the next one must wait (ms).
-- KEYS: attempts. ARGV: now, attempts without delay, first delay, longest delay (ms), seconds to remember.
local attempts, now, free = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local first, longest = tonumber(ARGV[3]), tonumber(ARGV[4])
local open_at = tonumber(redis.call('HGET', attempts, 'open_at') or '0')
if open_at > now and open_at - now <= longest then return open_at - now end
local number = redis.call('HINCRBY', attempts, 'number', 1)
if number >= free then
  redis.call('HSET', attempts, 'open_at', now + math.min(first * 2 ^ math.min(number - free, 30), longest))
end
redis.call('EXPIRE', attempts, ARGV[5])
return 0
