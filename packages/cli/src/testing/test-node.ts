import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startCommand } from "./run-command.js";

/** A real node of its own cluster, in a process of its own, with a folder for whatever a test needs besides. */
export class TestNode {
  readonly url: string;
  readonly folder: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.folder = folder;
    this.url = url;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<TestNode> {
    const folder = await mkdtemp(join(tmpdir(), "koboldfs-cli-"));
    const args = ["serve", "--name", "n1", "--listen", "127.0.0.1:0", "--data", join(folder, "volume")];
    const child = startCommand([...args, "--dsn", `sqlite:${join(folder, "catalog.sqlite")}`], {
      env: settings,
      cwd: folder,
    });
    child.stderr?.resume();
    return new TestNode(child, folder, await readUrl(child));
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The URL in the line that a node logs when it is ready to serve. */
async function readUrl(child: ChildProcess): Promise<string> {
  const log: string[] = [];
  if (child.stdout === null) throw new Error("the node has no output");
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    log.push(line);
    const entry = JSON.parse(line) as { event?: string; url?: string };
    if (entry.event !== "listening" || entry.url === undefined) continue;
    lines.close();
    child.stdout.resume();
    return entry.url;
  }
  throw new Error(`the node ended before it listened:\n${log.join("\n")}`);
}
