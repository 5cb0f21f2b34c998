-- Announce that a cart is about to be read from the database; whatever is written meanwhile joins it.
-- KEYS: cart (and dirty, untouched). ARGV: random, seconds to live. Answers with the token that put_load.lua must show.
local cart = KEYS[1]
local this_run = run_id()
local token = redis.call('HGET', cart, 'ph')
if not token or string.sub(token, 1, #this_run) ~= this_run then
  token = this_run .. ':' .. ARGV[1]
  redis.call('HSET', cart, 'ph', token)
end
redis.call('EXPIRE', cart, ARGV[2])
return token
