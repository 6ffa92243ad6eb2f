import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startPostgres } from "@koboldfs/tools";

const COMMAND = fileURLToPath(new URL("../../packages/cli/bin/koboldfs.js", import.meta.url));

/** What the examples need: a cluster of three nodes and a PostgreSQL, in a folder of their own that goes away with them. */
export interface Surroundings {
  readonly databaseUrl: string;
  readonly servers: readonly string[];
  stop(): Promise<void>;
}

export async function startSurroundings(): Promise<Surroundings> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-example-"));
  const postgres = await startPostgres();
  const port = await findFreePorts();
  const demo = spawn(process.execPath, [COMMAND, "demo", "--port", String(port)], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => demo.kill());
  const screen = await readUntil(demo, "log follows");
  return {
    databaseUrl: postgres.url,
    servers: [...screen.matchAll(/^ {2}kobold\d +(http:\S+)/gm)].map(([, url = ""]) => url),
    async stop() {
      demo.kill("SIGTERM");
      if (demo.exitCode === null) await once(demo, "exit");
      await postgres.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** What the process has printed when it has printed `text`. Throws when it ends before. */
export function readUntil(child: ChildProcess, text: string): Promise<string> {
  let printed = "";
  return new Promise((resolve, reject) => {
    child.stdout?.setEncoding("utf8").on("data", (more: string) => {
      printed += more;
      if (printed.includes(text)) resolve(printed);
    });
    child.once("exit", (code) => reject(new Error(`it ended with ${code}: ${printed}`)));
  });
}

/** The first of three ports that nobody listens at, as the demo takes them: this one and the two below. */
async function findFreePorts(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all([port, port - 1, port - 2].map(isFree));
    if (free.every(Boolean)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
