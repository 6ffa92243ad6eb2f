-- Four gets of files that were put before, then a put of a new one: load-generator.ts knows the proportion.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local next_get, next_put
local turn = 0

function init(args)
   next_get, next_put = get_maker(args), put_maker(args)
end

function request()
   turn = turn % 5 + 1
   if turn == 5 then
      return next_put()
   end
   return next_get()
end
