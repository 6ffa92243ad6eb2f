import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@koboldfs/client";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { NOTHING_KNOWN } from "../sync/digest-cache.js";
import { PathFilter } from "../sync/path-filter.js";
import { SyncNotices } from "../sync/sync-notices.js";
import type { SyncRun } from "../sync/sync-run.js";
import { SyncTally } from "../sync/sync-tally.js";
import { runCommand } from "./run-command.js";
import { TestNode } from "./test-node.js";

/** What one run of the command came to. */
export interface SyncOutcome {
  readonly code: number | null;
  readonly counts: Record<"transferred" | "skipped" | "deleted" | "failed" | "ignored" | "hashed", number>;
  readonly notices: { readonly key: string; readonly level: string; readonly message: string }[];
}

/** What a run without the command around it came to. */
export interface DirectOutcome {
  readonly tally: SyncTally;
  /** `LEVEL KEY` of each notice. */
  readonly told: readonly string[];
}

/** A node for all tests of a file; a folder, a namespace and a memory of digests for each. */
export class SyncPlace {
  readonly node: TestNode;
  /** Where the folders are; runs of the command stand there. */
  readonly work: string;
  /** Where runs remember digests. */
  cache: string;
  readonly #folders: readonly string[];
  readonly client: Client;

  constructor(node: TestNode, folders: { work: string; cache: string }, namespace: string) {
    this.node = node;
    this.work = folders.work;
    this.cache = folders.cache;
    this.#folders = [folders.work, folders.cache];
    this.client = new Client(namespace, { servers: [node.url] });
  }

  get namespace(): string {
    return this.client.namespace;
  }

  /** Writes files below a folder, each with its own name as content. */
  async make(folder: string, names: readonly string[], content = (name: string) => name): Promise<void> {
    for (const name of names) {
      const path = join(this.work, folder, name);
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(path, name === "empty" ? "" : content(name));
    }
  }

  async sync(source: string, target: string, ...options: string[]): Promise<SyncOutcome> {
    const args = ["sync", source, target, "--json", "--server", this.node.url, ...options];
    const env = { XDG_CACHE_HOME: this.cache };
    const { code, stdout, stderr } = await runCommand(args, { cwd: this.work, env });
    if (stdout === "") throw new Error(`sync failed: ${stderr}`);
    const lines = stderr.split("\n").filter((line) => line !== "");
    return {
      code,
      counts: JSON.parse(stdout) as SyncOutcome["counts"],
      notices: lines.map((line) => JSON.parse(line) as SyncOutcome["notices"][number]),
    };
  }

  /** The same without the command around it, for what has to happen in the middle of a run. */
  async syncHere(sync: (run: SyncRun) => Promise<void>, folder: string): Promise<DirectOutcome> {
    const told: string[] = [];
    const tally = new SyncTally();
    await sync({
      client: this.client,
      prefix: "",
      folder: join(this.work, folder),
      jobs: 1,
      delete: false,
      dryRun: false,
      followLinks: false,
      filter: new PathFilter([]),
      digests: NOTHING_KNOWN,
      signal: new AbortController().signal,
      notices: new SyncNotices(({ level, key }) => told.push(`${level} ${key}`)),
      tally,
    });
    return { tally, told };
  }

  /** Every file below a folder with its content. */
  async readTree(folder: string, below = ""): Promise<Record<string, string>> {
    const tree: Record<string, string> = {};
    for (const entry of await readdir(join(this.work, folder, below), { withFileTypes: true })) {
      const name = join(below, entry.name);
      if (entry.isDirectory()) Object.assign(tree, await this.readTree(folder, name));
      else tree[name] = await readFile(join(this.work, folder, name), "latin1");
    }
    return tree;
  }

  async keys(): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of this.client.list()) found.push(key);
    return found;
  }

  async close(): Promise<void> {
    await this.client.close();
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }
}

/** Call the result inside the tests. */
export function useSyncPlace(): () => SyncPlace {
  let node: TestNode | undefined;
  let place: SyncPlace | undefined;
  let count = 0;
  const current = (): SyncPlace => {
    if (place === undefined) throw new Error("there is no place outside of a test");
    return place;
  };
  beforeAll(async () => {
    node = await TestNode.start();
  });
  afterAll(() => node?.stop());
  beforeEach(async () => {
    if (node === undefined) throw new Error("the node did not start");
    count += 1;
    const work = await mkdtemp(join(tmpdir(), "koboldfs-sync-"));
    const cache = await mkdtemp(join(tmpdir(), "koboldfs-sync-cache-"));
    place = new SyncPlace(node, { work, cache }, `sync-${count}`);
    await place.client.createNamespace();
  });
  afterEach(() => current().close());
  return current;
}
