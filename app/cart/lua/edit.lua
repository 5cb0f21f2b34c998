-- One edit, or a reading, of one cart; answers with the whole cart.
-- KEYS: cart, dirty, generation. ARGV: owner, seconds to live, operation, product, quantity, most, form key.
local cart, dirty, generation = KEYS[1], KEYS[2], KEYS[3]
local owner, seconds, operation, product = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local quantity, most, form_key = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local MAX_LINES, MAX_REGISTERS, MAX_KEYS = 100, 500, 32

local function answer(status)
  return {status, redis.call('HGETALL', cart)}
end

local function write(new)
  local stamp = next_stamp(cart)
  redis.call('HSET', cart, 'p' .. product, text(new) .. ':' .. text(stamp), 'last', text(stamp))
  redis.call('ZADD', dirty, text(stamp), owner)
  redis.call('EXPIRE', cart, seconds)
  return stamp
end

local function is_full()
  local live, registers = 0, 0
  for _, field in ipairs(redis.call('HKEYS', cart)) do
    local id = string.match(field, '^p(%d+)$')
    if id then
      registers = registers + 1
      if line_at(cart, id) > 0 then live = live + 1 end
    end
  end
  return live >= MAX_LINES or registers >= MAX_REGISTERS
end

local function seen_before()
  if form_key == '' then return false end
  local keys = redis.call('HGET', cart, 'keys') or ''
  if string.find(keys, form_key, 1, true) then return true end
  keys = keys .. ' ' .. form_key
  local first = 1
  for _ = 1, select(2, string.gsub(keys, ' ', ' ')) - MAX_KEYS do
    first = string.find(keys, ' ', first + 1, true)
  end
  redis.call('HSET', cart, 'keys', string.sub(keys, first))
  return false
end

local status = unready(cart, generation)
if status then return {status, {}} end
if operation == 'read' then return answer('OK') end

local old = 0
if operation == 'undo' then
  local id, was = string.match(redis.call('HGET', cart, 'undo') or '', '^(%d+):(%d+):%d+$')
  if not id then return answer('NOTHING') end
  redis.call('HDEL', cart, 'undo')
  product = id
  if line_at(cart, product) > 0 then return answer('OK') end
  if is_full() then return answer('FULL') end
  write(tonumber(was))
  return answer('OK')
end

old = line_at(cart, product)
if operation == 'remove' then
  if old > 0 then
    local stamp = write(0)
    redis.call('HSET', cart, 'undo', product .. ':' .. text(old) .. ':' .. text(stamp))
  end
  return answer('OK')
end

if operation == 'set' then
  if old == 0 then return answer('GONE') end
  local new = math.min(quantity, most)
  if new ~= old then write(new) end
  return answer(new < quantity and 'CAPPED' or 'OK')
end

-- add
if old == 0 and is_full() then return answer('FULL') end
if seen_before() then return answer('OK') end
local new = math.max(old, math.min(old + quantity, most))
if new ~= old then write(new) end
return answer(new < old + quantity and 'CAPPED' or 'OK')
