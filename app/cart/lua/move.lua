-- Drop the lines of a guest's cart that a member's cart has, and send who comes next to that cart.
-- KEYS: cart, dirty, generation. ARGV: guest, seconds to live, member, stamp up to which the member has the lines.
-- 'LATER': something was put in after that stamp; it stays, and nobody is sent on before the member has it too.
local cart, dirty, generation = KEYS[1], KEYS[2], KEYS[3]
local stamp = tonumber(ARGV[4])
local status = unready(cart, generation)
if status then return {status, {}} end
if moved_to(cart) then return {'OK', redis.call('HGETALL', cart)} end
-- A later stamp than any line's: what the database hears of the cart before this must not take the mark.
local last = math.max(next_stamp(cart), stamp + 1)
redis.call('ZADD', dirty, text(last), ARGV[1])
clear(cart, stamp, last)
for _, field in ipairs(redis.call('HKEYS', cart)) do
  local id = string.match(field, '^p(%d+)$')
  if id and line_at(cart, id) > 0 then return {'LATER', redis.call('HGETALL', cart)} end
end
redis.call('HSET', cart, 'to', ARGV[3] .. ':' .. text(now_us()))
return {'OK', redis.call('HGETALL', cart)}
