-- Take a guest's lines into the member's cart: the larger quantity of each. Doing it twice changes nothing.
-- KEYS: cart, dirty, generation. ARGV: owner, seconds to live, then product, quantity, ...
local cart, dirty, generation = KEYS[1], KEYS[2], KEYS[3]
local status = unready(cart, generation)
if status then return {status, {}} end
local larger = {}
for i = 3, #ARGV, 2 do
  local old, _, sound = line_at(cart, ARGV[i])
  if not sound then return {'BAD', {}} end
  if tonumber(ARGV[i + 1]) > old then larger[#larger + 1] = i end
end
if #larger > 0 then
  local stamp = next_stamp(cart)
  redis.call('ZADD', dirty, text(stamp + #larger - 1), ARGV[1])
  for n, i in ipairs(larger) do
    local now = text(stamp + n - 1)
    redis.call('HSET', cart, 'p' .. ARGV[i], ARGV[i + 1] .. ':' .. now, 'last', now)
  end
  redis.call('EXPIRE', cart, ARGV[2])
end
return {'OK', redis.call('HGETALL', cart)}
