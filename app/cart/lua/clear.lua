-- Raise the watermark: lines up to the stamp are gone, later ones stay.
-- KEYS: cart, dirty. ARGV: owner, stamp, 'dirty' when the database does not know yet (else '').
local cart, dirty, stamp = KEYS[1], KEYS[2], tonumber(ARGV[2])
if redis.call('EXISTS', cart) == 0 then return 0 end
local last = stamp
if ARGV[3] == 'dirty' then
  -- A later stamp than any line's: what the database hears of the cart before this must not take the mark.
  last = math.max(next_stamp(cart), stamp + 1)
  redis.call('ZADD', dirty, text(last), ARGV[1])
end
raise(cart, 'cl', stamp)
raise(cart, 'last', last)
drop_cleared(cart)
redis.call('HDEL', cart, 'undo')
return 1
