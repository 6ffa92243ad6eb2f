import { setTimeout as sleep } from "node:timers/promises";
import type { ListReply, StatusReply } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { type Cluster, type ClusterOptions, NAMESPACE } from "./harness/cluster.js";
import { getFile, mustGet, mustPut, putFile } from "./harness/raw-files.js";
import { jsonOf, type RawReply, rawRequest, refusalOf } from "./harness/raw-request.js";
import { reasonOf, whyEngineIsMissing } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const missingMariadb = await whyEngineIsMissing("mariadb");

describe.each(["postgres", "mariadb"] as const)("while %s is away", (engine) => {
  const options: ClusterOptions = { nodes: 2, engine, proxyCatalog: true };
  const missing = engine === "mariadb" ? missingMariadb : undefined;

  it.skipIf(missing !== undefined).each([
    ["refuses connections", "cut"],
    ["is silent", "blackHole"],
  ] as const)(
    `and %s, reads go on marked, writes get 503 with Retry-After, and all works again by itself${reasonOf(missing)}`,
    async (_name, disturb) => {
      await withCluster(options, async (cluster) => {
        const a = cluster.node("a").url;
        await mustPut(a, "k", "before");
        cluster.catalogProxy?.[disturb]();
        const { put, get, unknown, list } = await askEverything(a);
        for (const reply of [put, unknown]) expect(Number(reply.headers["retry-after"])).toBeGreaterThan(0);
        expect(refusalOf(put)).toEqual({ status: 503, code: "catalog_unavailable" });
        expect(refusalOf(unknown)).toEqual({ status: 503, code: "unknown_as_of" });
        for (const reply of [get, list]) {
          expect(reply.status).toBe(200);
          expect(reply.headers["koboldfs-as-of"]).toMatch(/^\d+, \d{4}-\d\d-\d\dT[\d:.]+Z$/);
        }
        expect(get.body.toString()).toBe("before");
        expect(jsonOf<ListReply>(list).files.map(({ key }) => key)).toEqual(["k"]);
        const status = jsonOf<StatusReply>(await rawRequest(a, { path: "/v1/status" }));
        expect(status.asOf?.number).toBe(status.head);
        const metrics = await rawRequest(a, { path: "/metrics" });
        expect(metrics.status).toBe(200);
        expect(metrics.body.toString()).toMatch(/^koboldfs_catalog_up 0$/m);
        expect((await rawRequest(a, { path: "/readyz" })).body.toString()).toContain('"as_of"');
        expect((await rawRequest(a, { path: "/healthz" })).status).toBe(200);
        cluster.catalogProxy?.heal();
        await recovers(cluster);
      });
    },
  );
});

describe("a node that is started while its database is away", () => {
  it("waits for it, and serves when it is back", async () => {
    await withCluster({ nodes: 1, engine: "postgres", proxyCatalog: true }, async (cluster) => {
      const a = cluster.node("a");
      await mustPut(a.url, "k", "before");
      await a.stop();
      cluster.catalogProxy?.cut();
      const starting = a.start();
      await waitUntil("it tries again", () => a.log().includes("trying again for a while"));
      // Not to wait for something: that nothing happens, for longer than the pause between two tries.
      await Promise.race([starting, sleep(2_500)]);
      cluster.catalogProxy?.heal();
      await starting;
      expect((await mustGet(a.url, "k")).toString()).toBe("before");
    });
  });
});

/** What needs the catalog, all at the same time: each may have to wait for a time-out of its own. */
async function askEverything(server: string): Promise<Record<"put" | "get" | "unknown" | "list", RawReply>> {
  const [put, get, unknown, list] = await Promise.all([
    putFile(server, "k", { body: "meanwhile" }),
    getFile(server, "k"),
    getFile(server, "never put"),
    rawRequest(server, { path: `/v1/files/${NAMESPACE}` }),
  ]);
  return { put, get, unknown, list };
}

/** What was refused did not happen, and both nodes read and write again. */
async function recovers(cluster: Cluster): Promise<void> {
  for (const { url } of cluster.nodes) {
    await waitUntil("the node reads the catalog again", async () => {
      const { status, headers } = await getFile(url, "k");
      return status === 200 && headers["koboldfs-as-of"] === undefined;
    });
    expect((await mustGet(url, "k")).toString()).toBe("before");
  }
  for (const { url, name } of cluster.nodes) {
    await waitUntil(
      "the node writes again",
      async () => (await putFile(url, `by-${name}`, { body: name })).status < 300,
    );
  }
  await cluster.waitUntilAllSeeAll();
  expect(await mustPut(cluster.node("b").url, "k", "after")).toMatchObject({ copies: 2 });
  expect((await mustGet(cluster.node("a").url, "k")).toString()).toBe("after");
}
