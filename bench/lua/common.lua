-- What all loads share: one thread (a lane) for each server that takes requests, requests, and the result for load/wrk.ts.
-- Arguments of each script: prefix and number of the files put before, prefix and bytes of new ones, connections of a lane.
local addresses = {}
for host, port in string.gmatch(os.getenv("BENCH_ENTRANCES"), "([^,]+):(%d+)") do
   addresses[#addresses + 1] = { host, port }
end

threads = {}

-- wrk calls this once for each thread, before the thread's own `init`.
function setup(thread)
   local address = addresses[#threads % #addresses + 1]
   thread.addr = wrk.lookup(address[1], address[2])[1]
   thread:set("lane", #threads)
   threads[#threads + 1] = thread
end

function file_name(prefix, number)
   return prefix .. string.format("%08d", number)
end

-- How many of `count` files come before those of this lane, or of the one that is `further` behind it.
function lane_offset(count, further)
   return math.floor((lane + (further or 0)) * count / #addresses)
end

-- The paths of the files put before: those in the file BENCH_READ_PATHS, a line each, or their keys.
local function read_paths(prefix, count)
   local paths = {}
   local file = os.getenv("BENCH_READ_PATHS")
   if file then
      for path in io.lines(file) do
         paths[#paths + 1] = path
      end
   else
      local query = os.getenv("BENCH_GET_QUERY") or ""
      for i = 1, count do
         paths[i] = wrk.path .. file_name(prefix, i) .. query
      end
   end
   return paths
end

-- A function that gives the next get, in a circle.
function get_maker(args)
   local requests = read_paths(args[1], tonumber(args[2]))
   for i, path in ipairs(requests) do
      requests[i] = "GET " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n\r\n"
   end
   local number = lane_offset(#requests)
   return function()
      number = number % #requests + 1
      return requests[number]
   end
end

-- A function that gives the next put. Lanes put under numbers of their own: load-generator.ts knows how far they lie apart.
function put_maker(args)
   local number, prefix, size = lane * 10000000, args[3], tonumber(args[4])
   local head = "PUT " .. wrk.path .. prefix
   local middle = " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nContent-Type: application/octet-stream\r\nContent-Length: "
      .. size .. "\r\n\r\n" .. prefix
   local tail = string.rep(".", size - #prefix - 8)
   return function()
      number = number + 1
      local name = string.format("%08d", number)
      return head .. name .. middle .. name .. tail
   end
end

-- wrk counts every status above 399 in errors.status; times are microseconds.
function report(requests, duration, summary, latency)
   local e = summary.errors
   io.write(string.format(
      'RESULT {"requests":%d,"durationUs":%d,"bytes":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d,'
         .. '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
      requests, duration, summary.bytes,
      latency:percentile(50), latency:percentile(99), latency.max,
      e.connect, e.read, e.write, e.timeout, e.status))
end

function done(summary, latency)
   report(summary.requests, summary.duration, summary, latency)
end
