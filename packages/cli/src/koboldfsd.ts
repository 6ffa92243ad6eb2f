import { runCommandLine } from "./main.js";

process.exitCode = await runCommandLine(["serve", ...process.argv.slice(2)]);
