-- Deletes of files that were put before, each once. There are only so many, and a fast server is done with them long before
-- wrk's time is over: each lane stops when its share is answered, and the time from its first request to that answer counts.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds; long micros; } bench_time; int gettimeofday(bench_time *time, void *zone);")

local time = ffi.new("bench_time")
local requests, share
local number = 0

-- Read by `done`, which runs in a state of its own: no locals.
answered, started, finished = 0, 0, 0

local function now()
   ffi.C.gettimeofday(time, nil)
   return tonumber(time.seconds) * 1e6 + tonumber(time.micros)
end

function init(args)
   local first, last
   first, last, requests = lane_offset(tonumber(args[2])) + 1, lane_offset(tonumber(args[2]), 1), {}
   for i = first, last do
      requests[#requests + 1] = "DELETE " .. wrk.path .. file_name(args[1], i) .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n\r\n"
   end
   -- Each connection has one more under way when the share is done, and wrk builds its first request only to look at it.
   share = #requests - tonumber(args[5]) - 1
end

function request()
   number = number + 1
   if number == 2 then
      started = now()
   end
   return requests[number]
end

function response()
   answered = answered + 1
   finished = now()
   if answered == share then
      wrk.thread:stop()
   end
end

function done(summary, latency)
   local total, first, last = 0, math.huge, 0
   for _, thread in ipairs(threads) do
      total = total + thread:get("answered")
      first = math.min(first, thread:get("started"))
      last = math.max(last, thread:get("finished"))
   end
   report(total, last - first, summary, latency)
end
