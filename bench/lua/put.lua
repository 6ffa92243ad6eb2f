-- Puts that never repeat: each has its own key, and the key stands at the head of its body, so that no server can
-- answer one put with the stored bytes of another. The body's tail is one shared string: a request costs one concat.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local next_put

function init(args)
   next_put = put_maker(args)
end

function request()
   return next_put()
end
