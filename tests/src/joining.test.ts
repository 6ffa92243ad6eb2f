import { describe, expect, it } from "vitest";
import { checkWithSha256sum } from "./harness/blobs-on-disk.js";
import { NAMESPACE } from "./harness/cluster.js";
import { concurrently } from "./harness/concurrently.js";
import { mustGet, mustPut, sha256 } from "./harness/raw-files.js";
import type { CatalogEngine } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";

const OLD_FILES = 600;
/** Puts that must be under way before the node starts, and after everybody has seen it. */
const PUTS_AROUND = 150;

describe.each(["sqlite", "postgres"] as const)(
  "a node that joins a cluster on %s while puts go on",
  (engine: CatalogEngine) => {
    it("has every file in the end, old and new", async () => {
      await withCluster({ nodes: 2, engine }, async (cluster) => {
        const digests = new Map<string, string>();
        const put = async (key: string): Promise<void> => {
          const server = cluster.node(digests.size % 2 === 0 ? "a" : "b").url;
          const { digest } = await mustPut(server, key, `content of ${key}; `.repeat(1 + (digests.size % 50)));
          digests.set(key, digest);
        };
        await concurrently(keysOf("old", OLD_FILES), 16, put);
        const puts = new EndlessPuts(put);
        await puts.reach(PUTS_AROUND);
        const c = await cluster.addNode("c");
        await puts.reach(puts.done + PUTS_AROUND);
        await puts.stop();
        await cluster.waitUntilSettled();
        expect(digests.size).toBe(OLD_FILES + puts.done);
        await checkWithSha256sum(c, NAMESPACE, new Set(digests.values()));
        for (const other of ["a", "b"]) await cluster.node(other).kill("SIGKILL");
        await concurrently(digests, 16, async ([key, digest]) => {
          expect([key, sha256(await mustGet(c.url, key))]).toEqual([key, digest]);
        });
      });
    });
  },
);

function keysOf(folder: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${folder}/${index}`);
}

/** Four writers that never pause until they are stopped. A put that fails fails the test. */
class EndlessPuts {
  done = 0;
  #started = 0;
  #stopped = false;
  readonly #waiting = new Map<number, () => void>();
  readonly #writers: Promise<void>;

  constructor(put: (key: string) => Promise<void>) {
    this.#writers = Promise.all(Array.from({ length: 4 }, () => this.#write(put))).then(() => {});
  }

  /** Resolves when so many puts were acknowledged. */
  async reach(count: number): Promise<void> {
    const reached = new Promise<void>((resolve) => this.#waiting.set(count, resolve));
    await Promise.race([reached, this.#writers]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#writers;
  }

  async #write(put: (key: string) => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      this.#started += 1;
      await put(`new/${this.#started}`);
      this.done += 1;
      this.#waiting.get(this.done)?.();
    }
  }
}
