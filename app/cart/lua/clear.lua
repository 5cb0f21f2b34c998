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
-- What was removed later can still be brought back: this may be said again long after the payment.
local removed = string.match(redis.call('HGET', cart, 'undo') or '', ':(%d+)$')
if not removed or tonumber(removed) <= stamp then redis.call('HDEL', cart, 'undo') end
return 1
