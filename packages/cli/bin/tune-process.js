// What must be said before anything else runs. CommonJS on purpose: the loader of ES modules starts the thread pool before
// the first line of a module runs, and then its size is fixed.
//
// The flag in the first line of koboldfs.js keeps the young generation of the heap at 1 MiB a half, which Node takes only
// from its command line. Left to itself it grows to 16 and is collected rarely then, and the buffers of passing bodies,
// which live outside the heap, wait with it: a node that streamed 1 GB peaked at 190 to 214 MiB, and with the flag at
// 155, at the same speed and CPU per request.

// Each fsync blocks one of these threads; four (the default) would let four slow disks stop a server.
process.env["UV_THREADPOOL_SIZE"] ??= "32";
