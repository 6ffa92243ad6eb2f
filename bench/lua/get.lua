-- Gets that walk in a circle over files that were put before. All requests are built once, in front of the measurement.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local requests = {}
local number

function init(args)
   local prefix, count = args[1], tonumber(args[2])
   local query = os.getenv("BENCH_GET_QUERY") or ""
   for i = 1, count do
      local path = wrk.path .. prefix .. string.format("%08d", i) .. query
      requests[i] = "GET " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n\r\n"
   end
   number = lane_offset(count)
end

function request()
   number = number % #requests + 1
   return requests[number]
end
