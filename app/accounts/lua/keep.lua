-- Keep what the database said of a session, unless it was ended, or this Redis lost its memory, meanwhile.
-- KEYS: session. ARGV: now, random (as given to look_up.lua), expiry, shopper.
local session = KEYS[1]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if redis.call('HGET', session, 'asking') ~= run .. ARGV[2] then return 0 end
redis.call('HDEL', session, 'asking')
redis.call('HSET', session, 'run', run, 'checked', ARGV[1], 'until', ARGV[3], 'shopper', ARGV[4])
redis.call('EXPIRE', session, ARGV[3] - ARGV[1])
return 1
