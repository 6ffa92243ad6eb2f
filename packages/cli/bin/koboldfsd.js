#!/usr/bin/env node
// The same as "koboldfs serve". See koboldfs.js for why this is CommonJS and what the setting is for.
process.env["UV_THREADPOOL_SIZE"] ??= "32";

void import("../dist/koboldfsd.js");
