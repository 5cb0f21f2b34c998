-- The database has this snapshot: repair a wiped or old Redis with it, and forget that the cart was dirty.
-- KEYS: cart, dirty. ARGV: owner, last, cleared, then product, quantity, stamp, ...
local cart, dirty, owner = KEYS[1], KEYS[2], ARGV[1]
local last = tonumber(ARGV[2])
if redis.call('EXISTS', cart) == 0 then
  -- Nothing is left here to be written; the next touch loads the cart from the database.
  redis.call('ZREM', dirty, owner)
  return 0
end
raise(cart, 'cl', tonumber(ARGV[3]))
raise(cart, 'last', math.max(last, number_at(cart, 'cl')))
drop_cleared(cart)
join(cart, 4)
local score = redis.call('ZSCORE', dirty, owner)
if score and tonumber(score) <= last then redis.call('ZREM', dirty, owner) end
return 1
