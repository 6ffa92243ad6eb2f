-- Gets that walk in a circle over files that were put before. All requests are built once, in front of the measurement.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local next_get

function init(args)
   next_get = get_maker(args)
end

function request()
   return next_get()
end
