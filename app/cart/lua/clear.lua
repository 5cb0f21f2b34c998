-- Drop what was paid for; the database knows it already.
-- KEYS: cart (and dirty, untouched). ARGV: stamp.
local cart, stamp = KEYS[1], tonumber(ARGV[1])
if redis.call('EXISTS', cart) == 0 then return 0 end
clear(cart, stamp, stamp)
return 1
