import { spawnOwned } from "../harness/owned-process.js";

// As a worker of vitest does, it listens to its runner.
process.on("message", () => {});

/** Owns a process that sleeps, prints its pid, and waits to be killed: a stand-in for a test run that is interrupted. */
const sleeper = spawnOwned("sleep", ["1000"], { stdio: "ignore" });
console.log(sleeper.pid);
