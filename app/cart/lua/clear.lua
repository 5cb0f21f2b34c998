-- Raise the watermark: lines up to the stamp are gone, later ones stay.
-- KEYS: cart, dirty. ARGV: owner, stamp, 'dirty' when the database does not know yet (else '').
local cart, dirty, stamp = KEYS[1], KEYS[2], tonumber(ARGV[2])
if redis.call('EXISTS', cart) == 0 then return 0 end
if ARGV[3] == 'dirty' then
  redis.call('ZADD', dirty, text(math.max(stamp, number_at(cart, 'last'))), ARGV[1])
end
raise(cart, 'cl', stamp)
raise(cart, 'last', stamp)
drop_cleared(cart)
redis.call('HDEL', cart, 'undo')
return 1
