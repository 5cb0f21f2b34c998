-- One edit, or a reading, of one cart; answers with the whole cart.
-- KEYS: cart, dirty, generation. ARGV: owner, seconds to live, operation, product, quantity, most, form key, price.
local cart, dirty, generation = KEYS[1], KEYS[2], KEYS[3]
local owner, seconds, operation, product = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local quantity, most, form_key = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local MAX_LINES, MAX_REGISTERS, MAX_KEYS = 100, 500, 32

local function answer(status)
  return {status, redis.call('HGETALL', cart)}
end

-- The mark first: should it be refused, for want of memory or of a sorted set, nothing has been done.
local function write(new)
  local stamp = next_stamp(cart)
  redis.call('ZADD', dirty, text(stamp), owner)
  redis.call('HSET', cart, 'p' .. product, text(new) .. ':' .. text(stamp), 'last', text(stamp))
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
  return string.find(keys, form_key, 1, true) ~= nil
end

local function remember_key()
  if form_key == '' then return end
  local keys = (redis.call('HGET', cart, 'keys') or '') .. ' ' .. form_key
  local first = 1
  for _ = 1, select(2, string.gsub(keys, ' ', ' ')) - MAX_KEYS do
    first = string.find(keys, ' ', first + 1, true)
  end
  redis.call('HSET', cart, 'keys', string.sub(keys, first))
end

local status = unready(cart, generation)
if status then return {status, {}} end
local to = moved_to(cart)
-- A press that this cart counted is in what it gave: there is only the new cart to be read.
if to then return {seen_before() and 'COUNTED' or 'MOVED', to} end
if operation == 'read' then return answer('OK') end

if operation == 'undo' then
  local id, was = string.match(redis.call('HGET', cart, 'undo') or '', '^([1-9]%d*):(%d%d?):%d+$')
  if not id or #id > 9 then return answer('NOTHING') end
  local here, _, sound = line_at(cart, id)
  if not sound then return {'BAD', {}} end
  if here == 0 then
    if is_full() then
      redis.call('HDEL', cart, 'undo')
      return answer('FULL')
    end
    product = id
    write(tonumber(was))
  end
  redis.call('HDEL', cart, 'undo')
  return answer('OK')
end

local old, _, sound = line_at(cart, product)
if not sound then return {'BAD', {}} end
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
if new ~= old then
  write(new)
  redis.call('HSET', cart, 'c' .. product, ARGV[8])
end
remember_key()
return answer(new < old + quantity and 'CAPPED' or 'OK')
