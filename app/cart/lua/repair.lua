-- Drop what none of us wrote, and have the cart joined with the database again before anybody sees it.
-- KEYS: dirty, and cart unless only the former is in question. ARGV: owner. Answers with how many parts went.
local dirty, cart, owner = KEYS[1], KEYS[2], ARGV[1]
local MAX_KEYS_LENGTH = 33 * 33
local dropped = 0

local function type_of(key)
  return redis.call('TYPE', key).ok
end

local function drop_unless(key, type)
  local found = type_of(key)
  if found == type or found == 'none' then return end
  redis.call('DEL', key)
  dropped = dropped + 1
end

local function is_sound(field, value)
  if string.find(field, '^p%d+$') then
    return #field <= 10 and string.sub(field, 2, 2) ~= '0' and parse_line(value) ~= nil
  end
  if string.find(field, '^c%d+$') then return string.find(value, '^%d+$') ~= nil and #value <= 12 end
  if field == 'last' or field == 'cl' then return whole(value) ~= nil end
  if field == 'undo' then return string.find(value, '^[1-9]%d*:%d%d?:%d+$') ~= nil and #value <= 29 end
  if field == 'keys' then return #value <= MAX_KEYS_LENGTH and string.find(value, '^[ %x]*$') ~= nil end
  if field == 'to' then return string.find(value, '^[ug]:[%w_-]+:%d+$') ~= nil and #value <= 97 end
  if string.find(field, '^from:') then return string.find(value, '^%d+:%d+$') ~= nil and #value <= 33 end
  return true
end

drop_unless(dirty, 'zset')
if not cart then return dropped end
drop_unless(cart, 'hash')
local all = redis.call('HGETALL', cart)
local newest = 0
for i = 1, #all, 2 do
  if not is_sound(all[i], all[i + 1]) then
    redis.call('HDEL', cart, all[i])
    dropped = dropped + 1
  elseif string.find(all[i], '^p%d+$') then
    local _, stamp = parse_line(all[i + 1])
    newest = math.max(newest, stamp)
  end
end
if dropped > 0 and redis.call('EXISTS', cart) == 1 then
  -- What is left may not be in the database yet.
  newest = math.max(newest, number_at(cart, 'last'), number_at(cart, 'cl'))
  redis.call('ZADD', dirty, text(newest), owner)
  redis.call('HSET', cart, 'last', text(newest))
  redis.call('HDEL', cart, 'loaded')
end
return dropped
