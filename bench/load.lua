-- wrk's side: send the requests of a file in turn, and look at every answer's status.
-- Arguments: the file (each request after its length in 8 hex digits), the statuses that are right.
local requests, next_one, right, threads = {}, 0, {}, {}
wrong, first_wrong = 0, ''

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  for i = 2, #args do right[tonumber(args[i])] = true end
  local file = assert(io.open(args[1], 'rb'))
  while true do
    local length = file:read(8)
    if not length then break end
    table.insert(requests, file:read(tonumber(length, 16)))
  end
  file:close()
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

function response(status, headers, body)
  if right[status] then return end
  wrong = wrong + 1
  if wrong == 1 then first_wrong = status .. ' ' .. string.sub(body or '', 1, 400) end
end

function done(summary, latency, _)
  local wrong_of_all, first = 0, ''
  for _, thread in ipairs(threads) do
    wrong_of_all = wrong_of_all + thread:get('wrong')
    if first == '' then first = thread:get('first_wrong') end
  end
  local errors = summary.errors
  io.write(string.format('\nRESULT %d %d %d %d %d %.1f %.1f %.1f\n', summary.requests, summary.duration,
    summary.bytes, wrong_of_all, errors.connect + errors.timeout, latency:percentile(50),
    latency:percentile(99), latency.max))
  io.write(first)
end
