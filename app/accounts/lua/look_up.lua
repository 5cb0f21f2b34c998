-- Say what this Redis knows of a session, and announce that the database is about to be asked.
-- KEYS: session. ARGV: now, random, seconds of trust, of idleness, for the asking.
-- Answers {state, shopper, expiry}: alive; idle; stale (checked too long ago); unknown (or of another life of Redis).
local session = KEYS[1]
local now, trust, idle = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local entry = redis.call('HMGET', session, 'run', 'checked', 'until', 'shopper')
local checked, expiry, shopper = tonumber(entry[2]), tonumber(entry[3]), entry[4]

-- A session in use is checked every minute, so the last check tells when it was used.
if checked and now - checked > idle then return {'idle', '', 0} end

local known = shopper and entry[1] == run and now < expiry
if known and math.abs(now - checked) < trust then return {'alive', shopper, expiry} end

redis.call('HSET', session, 'asking', run .. ARGV[2])
if redis.call('TTL', session) < 0 then redis.call('EXPIRE', session, ARGV[5]) end
if known then return {'stale', shopper, expiry} end
return {'unknown', '', 0}
