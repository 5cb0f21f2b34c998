-- The parts every cart script builds upon: a cart is a hash of registers, one per product.
-- p<product_id> = "<quantity>:<stamp>" (quantity 0: removed), last, cl (watermark), loaded (run id of
-- the Redis that joined it with the database), ph (a load in progress), undo, keys (form keys seen),
-- c<product_id> = "<won>" (what it cost when it was put in, for the shopper to be told; of this Redis only),
-- to = "<owner>:<time>" (whose cart a guest's cart went into, and when), from:<guest> = "<stamp>:<time>"
-- (up to which of a guest's stamps this cart took that guest's lines, and when).

local function run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end

local function text(number)
  return string.format('%.0f', number)
end

-- A number as we write it: digits, and exact in a double. Anything else is nobody's, and nil.
local function whole(written)
  if not written or #written > 16 or not string.find(written, '^%d+$') then return nil end
  local number = tonumber(written)
  return number < 9007199254740992 and number or nil
end

-- A register as we write it; nil for anything else.
local function parse_line(written)
  local quantity, stamp = string.match(written, '^(%d%d?):(%d+)$')
  stamp = whole(stamp)
  if not stamp then return nil end
  return tonumber(quantity), stamp
end

local function number_at(cart, field)
  return whole(redis.call('HGET', cart, field)) or 0
end

-- Quantity and stamp; a line that is missing is 0 of stamp 0, and so is a broken one, to those who join.
local function line_at(cart, product)
  local written = redis.call('HGET', cart, 'p' .. product)
  local quantity, stamp
  if written then quantity, stamp = parse_line(written) end
  return quantity or 0, stamp or 0, not written or quantity ~= nil
end

local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- A stamp only ever grows within a cart, even if the clock repeats itself or steps back.
local function next_stamp(cart)
  return math.max(now_us(), number_at(cart, 'last') + 1, number_at(cart, 'cl') + 1)
end

local function raise(cart, field, stamp)
  if stamp > number_at(cart, field) then redis.call('HSET', cart, field, text(stamp)) end
end

-- Take lines given as product, quantity, stamp, ... from ARGV[first]: the newest stamp of each wins.
local function join(cart, first)
  local cleared = number_at(cart, 'cl')
  for i = first, #ARGV, 3 do
    local stamp = tonumber(ARGV[i + 2])
    local _, known = line_at(cart, ARGV[i])
    if stamp > cleared and stamp > known then
      redis.call('HSET', cart, 'p' .. ARGV[i], ARGV[i + 1] .. ':' .. ARGV[i + 2])
    end
  end
end

-- Lines up to the watermark were paid for, or moved to the member's cart.
local function drop_cleared(cart)
  local cleared = number_at(cart, 'cl')
  local all = redis.call('HGETALL', cart)
  for i = 1, #all, 2 do
    local stamp = string.match(all[i + 1], ':(%d+)$')
    if string.match(all[i], '^p%d+$') and stamp and tonumber(stamp) <= cleared then
      redis.call('HDEL', cart, all[i], 'c' .. string.sub(all[i], 2))
    end
  end
end

-- Raise the watermark: lines up to the stamp are gone, later ones stay.
local function clear(cart, stamp, last)
  raise(cart, 'cl', stamp)
  raise(cart, 'last', last)
  drop_cleared(cart)
  -- What was removed later can still be brought back: this may be said again long after the payment.
  local removed = string.match(redis.call('HGET', cart, 'undo') or '', ':(%d+)$')
  if not removed or tonumber(removed) <= stamp then redis.call('HDEL', cart, 'undo') end
end

-- Whose cart this one went into, for a minute: an old guest's cookie must not open it for ever.
local function moved_to(cart)
  local to, at = string.match(redis.call('HGET', cart, 'to') or '', '^([ug]:[%w_-]+):(%d+)$')
  if not to then return nil end
  if math.abs(now_us() - (whole(at) or 0)) < 60 * 1000000 then return to end
  redis.call('HDEL', cart, 'to')
  return nil
end

-- 'NG': this life of Redis has no history yet. 'NL': this cart was not joined with the database by this Redis.
-- 'BAD': the numbers that a stamp is made from are broken (repair.lua).
local function unready(cart, generation)
  local this_run = run_id()
  if redis.pcall('GET', generation) ~= this_run then return 'NG' end
  local found = redis.call('HMGET', cart, 'loaded', 'last', 'cl')
  if found[1] ~= this_run then return 'NL' end
  if (found[2] and not whole(found[2])) or (found[3] and not whole(found[3])) then return 'BAD' end
  return nil
end
