-- What all loads share: one thread (a lane) for each server that takes requests, and the result for load/wrk.ts.
local addresses = {}
for host, port in string.gmatch(os.getenv("BENCH_ENTRANCES"), "([^,]+):(%d+)") do
   addresses[#addresses + 1] = { host, port }
end

local lanes = 0

-- wrk calls this once for each thread, before the thread's own `init`.
function setup(thread)
   local address = addresses[lanes % #addresses + 1]
   thread.addr = wrk.lookup(address[1], address[2])[1]
   thread:set("lane", lanes)
   lanes = lanes + 1
end

-- Lanes put under numbers of their own: load-generator.ts knows how far they lie apart.
function first_number()
   return lane * 10000000
end

function lane_offset(count)
   return math.floor(lane * count / #addresses)
end

-- wrk counts every status above 399 in errors.status; times are microseconds.
function done(summary, latency)
   local e = summary.errors
   io.write(string.format(
      'RESULT {"requests":%d,"durationUs":%d,"bytes":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d,'
         .. '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
      summary.requests, summary.duration, summary.bytes,
      latency:percentile(50), latency:percentile(99), latency.max,
      e.connect, e.read, e.write, e.timeout, e.status))
end
