import { Client } from "@koboldfs/client";
import { describe, expect, it } from "vitest";
import { NAMESPACE } from "./harness/cluster.js";
import { concurrently } from "./harness/concurrently.js";
import { mustPut } from "./harness/raw-files.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

interface Seen {
  readonly number: number;
  readonly key: string;
  readonly afterMs: number;
}

describe.each(["sqlite", "postgres"] as const)("changes of a cluster with its catalog in %s", (engine) => {
  it("come from any node in one order, without a gap, also when the nodes that are asked are killed", async () => {
    await withCluster({ nodes: 3, engine }, async (cluster) => {
      const [a, b, c] = [cluster.node("a"), cluster.node("b"), cluster.node("c")];
      const token = cluster.secret ?? "";
      const put = new Map<string, number>();
      const follow = async (servers: readonly string[]) => {
        const client = new Client(NAMESPACE, { servers, token });
        const seen: Seen[] = [];
        const leave = new AbortController();
        const ended = (async () => {
          for await (const { number, key } of client.changes({ after: 0, signal: leave.signal })) {
            seen.push({ number, key, afterMs: performance.now() - (put.get(key) ?? 0) });
          }
        })();
        ended.catch(() => undefined);
        const stop = async () => {
          leave.abort(new Error("left"));
          await expect(ended).rejects.toThrow("left");
          await client.close();
        };
        return { seen, stop };
      };
      const followers = await Promise.all([follow([b.url, a.url]), follow([c.url]), follow([a.url])]);
      const write = (keys: readonly string[], nodes: readonly { url: string }[]) =>
        concurrently(keys.entries(), 8, async ([index, key]) => {
          put.set(key, performance.now());
          await mustPut(nodes[index % nodes.length]?.url ?? "", key, key);
        });
      const named = (what: string) => Array.from({ length: 60 }, (_, index) => `${what}-${index}`);
      await write(named("first"), [a, b, c]);
      for (const { seen } of followers) await waitUntil("60 are seen", () => seen.length === 60);
      // What another node committed is seen within a second; a median does not fail for one slow fsync.
      const waits = followers.flatMap(({ seen }) => seen.map(({ afterMs }) => afterMs)).sort((x, y) => x - y);
      expect(waits[Math.floor(waits.length / 2)]).toBeLessThan(1000);
      await b.kill("SIGKILL");
      await write(named("second"), [a, c]);
      await b.start();
      await write(named("third"), [b, a, c]);
      for (const { seen } of followers)
        await waitUntil("all are seen", () => new Set(seen.map((s) => s.key)).size === 180);
      const orders = followers.map(({ seen }) => seen.map(({ number }) => number));
      for (const order of orders) expect(order).toEqual(orders[0]);
      expect(orders[0]).toEqual([...new Set(orders[0])].toSorted((x, y) => x - y));
      for (const { stop } of followers) await stop();
    });
  });
});
