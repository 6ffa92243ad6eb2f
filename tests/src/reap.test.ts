import { type PurgeReply } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { hasBlob } from "./harness/blobs-on-disk.js";
import { NAMESPACE } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { mustGet, mustPut, sha256 } from "./harness/raw-files.js";
import { jsonOf, rawRequest } from "./harness/raw-request.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { HASTY_CLOCK } from "./programs/hasty-clock-url.js";

function call(node: NodeProcess, method: "POST" | "DELETE", path: string, body?: object) {
  const json =
    body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return rawRequest(node.url, { method, path, ...json });
}

describe("bytes that nothing refers to any more", () => {
  it("go from every disk when the retention has passed, and only they, though nodes are killed meanwhile", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      await cluster.createNamespace(NAMESPACE, { retentionMs: 0 });
      const [kept, gone]: [string[], string[]] = [[], []];
      for (let index = 0; index < 20; index += 1) {
        await mustPut(a.url, `k${index}`, `old ${index}`);
        await mustPut(b.url, `k${index}`, `new ${index}`);
        await mustPut(a.url, `deleted${index}`, `deleted ${index}`);
        await call(b, "DELETE", `/v1/files/${NAMESPACE}/deleted${index}`);
        gone.push(`old ${index}`, `deleted ${index}`);
        kept.push(`new ${index}`);
      }
      await mustPut(a.url, "other name", "old 0");
      gone.splice(gone.indexOf("old 0"), 1);
      kept.push("old 0");
      await cluster.waitUntilSettled();
      const isOn = (node: NodeProcess) => (text: string) => hasBlob(node, NAMESPACE, sha256(text));
      for (const node of [a, b]) {
        expect([...gone, ...kept].every(isOn(node))).toBe(true);
        await node.stop();
      }
      // An hour passes in seconds, and takes no puts: see hasty-clock.ts.
      for (const node of [a, b]) await node.start({ preload: HASTY_CLOCK });
      await waitUntil("the first bytes are gone", () => gone.some((text) => !isOn(a)(text)));
      for (const node of [a, b]) {
        await node.kill("SIGKILL");
        await node.start({ preload: HASTY_CLOCK });
      }
      for (const node of [a, b]) {
        await waitUntil(`they are gone from ${node.name}`, () => !gone.some(isOn(node)));
        expect(kept.filter((text) => !isOn(node)(text))).toEqual([]);
        for (let index = 0; index < 20; index += 1) {
          expect((await mustGet(node.url, `k${index}`)).toString()).toBe(`new ${index}`);
        }
        expect((await mustGet(node.url, "other name")).toString()).toBe("old 0");
      }
    });
  });

  it("are purged at once, and from a node that was away before it serves again", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      await mustPut(a.url, "secret", "the secret");
      await mustPut(a.url, "secret", "the newer secret");
      await mustPut(a.url, "public", "for all");
      await cluster.waitUntilSettled();
      await b.kill("SIGKILL");
      const reply = await call(a, "POST", `/v1/purges/${NAMESPACE}`, { key: "secret" });
      expect(jsonOf<PurgeReply>(reply)).toMatchObject({ purged: 2, pending: expect.arrayContaining(["b"]) });
      const secrets = ["the secret", "the newer secret"].map((text) => sha256(text));
      const left = (node: NodeProcess) => secrets.filter((digest) => hasBlob(node, NAMESPACE, digest)).length;
      await waitUntil("they are gone from the node that is here", () => left(a) === 0);
      expect(left(b)).toBe(2);
      await b.start();
      // It serves: so they are gone already.
      expect(left(b)).toBe(0);
      expect((await rawRequest(b.url, { path: `/v1/files/${NAMESPACE}/secret` })).status).toBe(404);
      expect((await mustGet(b.url, "public")).toString()).toBe("for all");
      expect(hasBlob(b, NAMESPACE, sha256("for all"))).toBe(true);
    });
  });
});
