-- Take a guest's lines into the member's cart: the larger quantity of each, and each line once.
-- What was taken is remembered for an hour: a slow log-in must not bring back what was removed since.
-- KEYS: cart, dirty, generation. ARGV: owner, seconds to live, guest, its stamp, then product, quantity, stamp, ...
local cart, dirty, generation = KEYS[1], KEYS[2], KEYS[3]
local memory = 'from:' .. ARGV[3]
local KEPT_US = 3600 * 1000000
local status = unready(cart, generation)
if status then return {status, {}} end
local taken = whole(string.match(redis.call('HGET', cart, memory) or '', '^(%d+):')) or 0
local larger = {}
for i = 5, #ARGV, 3 do
  local old, _, sound = line_at(cart, ARGV[i])
  if not sound then return {'BAD', {}} end
  if tonumber(ARGV[i + 2]) > taken then
    if tonumber(ARGV[i + 1]) > old then larger[#larger + 1] = i end
  end
end
if #larger > 0 then
  local stamp = next_stamp(cart)
  redis.call('ZADD', dirty, text(stamp + #larger - 1), ARGV[1])
  for n, i in ipairs(larger) do
    local now = text(stamp + n - 1)
    redis.call('HSET', cart, 'p' .. ARGV[i], ARGV[i + 1] .. ':' .. now, 'last', now)
    redis.call('HDEL', cart, 'c' .. ARGV[i])
  end
  redis.call('EXPIRE', cart, ARGV[2])
end
for _, field in ipairs(redis.call('HKEYS', cart)) do
  if string.sub(field, 1, 5) == 'from:' then
    local at = whole(string.match(redis.call('HGET', cart, field), ':(%d+)$')) or 0
    if math.abs(now_us() - at) > KEPT_US then redis.call('HDEL', cart, field) end
  end
end
redis.call('HSET', cart, memory, text(math.max(taken, tonumber(ARGV[4]))) .. ':' .. text(now_us()))
return {'OK', redis.call('HGETALL', cart)}
