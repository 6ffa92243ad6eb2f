import { describe, expect, it } from "vitest";
import { type Cluster, type ClusterOptions, NAMESPACE } from "./harness/cluster.js";
import { getFile, mustGet, mustPut, putFile } from "./harness/raw-files.js";
import { type RawReply, rawRequest, refusalOf } from "./harness/raw-request.js";
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
    `and %s, requests get 503 with Retry-After, and all works again by itself${reasonOf(missing)}`,
    async (_name, disturb) => {
      await withCluster(options, async (cluster) => {
        const a = cluster.node("a").url;
        await mustPut(a, "k", "before");
        cluster.catalogProxy?.[disturb]();
        for (const reply of await askEverything(a)) {
          expect(refusalOf(reply)).toEqual({ status: 503, code: "catalog_unavailable" });
          expect(Number(reply.headers["retry-after"])).toBeGreaterThan(0);
        }
        expect((await rawRequest(a, { path: "/healthz" })).status).toBe(200);
        cluster.catalogProxy?.heal();
        await recovers(cluster);
      });
    },
  );
});

/** What needs the catalog, all at the same time: each may have to wait for a time-out of its own. */
function askEverything(server: string): Promise<RawReply[]> {
  return Promise.all([
    putFile(server, "k", { body: "meanwhile" }),
    getFile(server, "k"),
    rawRequest(server, { path: `/v1/files/${NAMESPACE}` }),
  ]);
}

/** What was refused did not happen, and both nodes read and write again. */
async function recovers(cluster: Cluster): Promise<void> {
  for (const { url } of cluster.nodes) {
    await waitUntil("the node reads again", async () => (await getFile(url, "k")).status === 200);
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
