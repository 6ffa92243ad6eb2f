#!/usr/bin/env node
// The same as "koboldfs serve". See koboldfs.js for why this is CommonJS and what the setting is for.
process.env.UV_THREADPOOL_SIZE ??= "32";

import("../dist/main.js").then(async ({ runCommandLine }) => {
  process.exitCode = await runCommandLine(["serve", ...process.argv.slice(2)]);
});
