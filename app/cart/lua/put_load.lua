-- Join what the database had, unless this cart or this Redis is not the one the load began with.
-- KEYS: cart (and dirty, untouched). ARGV: token, last, cleared, then product, quantity, stamp, ...
local cart = KEYS[1]
local this_run = run_id()
local token = ARGV[1]
if redis.call('HGET', cart, 'ph') ~= token or string.sub(token, 1, #this_run) ~= this_run then
  return 0
end
raise(cart, 'cl', tonumber(ARGV[3]))
raise(cart, 'last', math.max(tonumber(ARGV[2]), number_at(cart, 'cl')))
drop_cleared(cart)
join(cart, 4)
-- In this order: a hash that lost its last field would be gone, and its lifetime with it.
redis.call('HSET', cart, 'loaded', this_run)
redis.call('HDEL', cart, 'ph')
return 1
