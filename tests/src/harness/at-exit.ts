const tasks = new Set<() => void>();
let hooked = false;

/** Signals that end a run from outside: Ctrl-C, a supervisor, a closed terminal. */
const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a synchronous task when this process ends in any way that leaves it a moment: by itself, by a signal, or because
 * the test runner that forked it is gone. The answer takes the task back.
 */
export function atExit(task: () => void): () => void {
  if (!hooked) hookAllEnds();
  tasks.add(task);
  return () => tasks.delete(task);
}

function hookAllEnds(): void {
  hooked = true;
  process.on("exit", runTasks);
  // A worker of vitest outlives a runner that was interrupted: without the runner nobody waits for its tests.
  process.once("disconnect", () => process.exit(1));
  for (const signal of ENDING_SIGNALS) {
    process.once(signal, () => {
      runTasks();
      process.kill(process.pid, signal);
    });
  }
}

/** The last one first: what was made later may stand on what was made before. */
function runTasks(): void {
  for (const task of [...tasks].reverse()) {
    try {
      task();
    } catch (error) {
      // The others must have their turn, and there is nobody left to tell but the terminal.
      console.error(error);
    }
  }
  tasks.clear();
}
