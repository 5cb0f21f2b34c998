-- Take one from each of several budgets, or from none and say in how many milliseconds all have one again.
-- KEYS: budgets; each holds the moment at which it will be full. ARGV: now, then for each budget what one costs
-- (negative: it is given back) and what a full one holds, all in milliseconds.
-- No budget is full later than it takes to fill: one that says so was spent before the clock was set back.
local SKEW = 1000 -- between the clocks of two machines
local now = tonumber(ARGV[1])
local wait, full = 0, {}
for number, budget in ipairs(KEYS) do
  local cost, holds = tonumber(ARGV[2 * number]), tonumber(ARGV[2 * number + 1])
  local at = tonumber(redis.call('GET', budget) or '0')
  if at > now + holds + SKEW then at = 0 end
  full[number] = math.min(math.max(at, now), now + holds) + cost
  wait = math.max(wait, full[number] - holds - now)
end
if wait > 0 then return wait end
for number, budget in ipairs(KEYS) do
  redis.call('SET', budget, string.format('%d', full[number]), 'PX', math.max(full[number] - now, 1))
end
return 0
