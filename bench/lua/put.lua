-- Puts that never repeat: each has its own key, and the key stands at the head of its body, so that no server can
-- answer one put with the stored bytes of another. The body's tail is one shared string: a request costs one concat.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local number, head, middle, prefix, tail

function init(args)
   number = first_number()
   prefix = args[1]
   local size = tonumber(args[2])
   head = "PUT " .. wrk.path .. prefix
   middle = " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nContent-Type: application/octet-stream\r\nContent-Length: "
      .. size .. "\r\n\r\n" .. prefix
   tail = string.rep(".", size - #prefix - 8)
end

function request()
   number = number + 1
   local name = string.format("%08d", number)
   return head .. name .. middle .. name .. tail
end
