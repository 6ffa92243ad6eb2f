#!/usr/bin/env node
// CommonJS on purpose: the loader of ES modules starts the thread pool before the first line of a module runs, and then
// its size is fixed. Each fsync blocks one of these threads; four (the default) would let four slow disks stop a server.
process.env["UV_THREADPOOL_SIZE"] ??= "32";

void import("../dist/koboldfs.js");
