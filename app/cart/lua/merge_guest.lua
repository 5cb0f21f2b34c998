-- Take a guest's lines into the member's cart: the larger quantity of each. Doing it twice changes nothing.
-- KEYS: cart, dirty, generation. ARGV: owner, seconds to live, then product, quantity, ...
local cart, dirty, generation = KEYS[1], KEYS[2], KEYS[3]
local status = unready(cart, generation)
if status then return {status, {}} end
local changed = false
for i = 3, #ARGV, 2 do
  local old = line_at(cart, ARGV[i])
  if tonumber(ARGV[i + 1]) > old then
    local stamp = next_stamp(cart)
    redis.call('HSET', cart, 'p' .. ARGV[i], ARGV[i + 1] .. ':' .. text(stamp), 'last', text(stamp))
    changed = true
  end
end
if changed then
  redis.call('ZADD', dirty, text(number_at(cart, 'last')), ARGV[1])
  redis.call('EXPIRE', cart, ARGV[2])
end
return {'OK', redis.call('HGETALL', cart)}
