import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that the system gives away by itself (32768 and up on Linux), and below those of the demo's tests. A node
 * that is killed comes back on its port: nobody else may have been given it meanwhile, and files of tests that run at the
 * same time start nodes all the while.
 */
const FIRST_PORT = 10_000;
const PORTS_OF_A_PROCESS = 100;
/** How many processes a run has at the same time, at most. */
const WORKERS = 5;
const PROCESSES = 100;

/**
 * Of the processes of one run, which have one parent, no two have the same number; two runs at once have other parents. By their own
 * ids two of one run would share their ports now and then.
 */
export function portsOf({ parent, worker }: { parent: number; worker: number }): number {
  return FIRST_PORT + ((parent * WORKERS + worker) % PROCESSES) * PORTS_OF_A_PROCESS;
}

let asked = 0;

/** The next port of this process that nobody listens on. */
export async function findNodePort(): Promise<number> {
  const first = portsOf({ parent: process.ppid, worker: Number(process.env["VITEST_POOL_ID"] ?? 0) });
  for (let tries = 0; tries < PORTS_OF_A_PROCESS; tries += 1) {
    const port = first + (asked % PORTS_OF_A_PROCESS);
    asked += 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`none of the ports from ${first} to ${first + PORTS_OF_A_PROCESS - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
