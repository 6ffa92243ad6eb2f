import type { ListReply } from "@koboldfs/protocol";
import { expect, it } from "vitest";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { filePath, mustPut } from "./harness/raw-files.js";
import { jsonOf, type RawReply, rawRequest, refusalOf } from "./harness/raw-request.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const ENTRY = /^\d+, \d{4}-\d\d-\d\dT[\d:.]+Z$/;
/** A reader of the catalog waits 3 s for one that is silent. */
const AT_ONCE_MS = 1000;

const readMirror = (server: string, key: string, method = "GET") =>
  rawRequest(server, { method, path: `${filePath(key)}?consistency=mirror` });
const listMirror = (server: string) => rawRequest(server, { path: `/v1/files/${NAMESPACE}?consistency=mirror` });

function expectMarked({ status, headers }: RawReply): void {
  expect(status).toBe(200);
  expect(headers["koboldfs-as-of"]).toMatch(ENTRY);
  expect(Number(headers["koboldfs-mirror-age"])).toBeLessThanOrEqual(10);
}

it("answers from the mirror on wish, marked with its age, also at once while PostgreSQL is silent", async () => {
  await withCluster({ nodes: 2, engine: "postgres", proxyCatalog: true }, async (cluster) => {
    const [a, b] = [cluster.node("a").url, cluster.node("b").url];
    await mustPut(a, "k", "before");
    for (const server of [a, b]) {
      await waitUntil("the mirror is known to be current", async () => {
        const { headers } = await readMirror(server, "k");
        return headers["koboldfs-mirror-age"] !== undefined;
      });
    }
    expect(refusalOf(await readMirror(b, "never put"))).toEqual({ status: 404, code: "not_found" });
    expect((await rawRequest(b, { path: `${filePath("k")}?consistency=strong` })).headers).not.toHaveProperty(
      "koboldfs-as-of",
    );
    await readsWithoutCatalog(cluster, [a, b]);
  });
});

async function readsWithoutCatalog(cluster: Cluster, servers: readonly string[]): Promise<void> {
  cluster.catalogProxy?.blackHole();
  for (const server of servers) {
    const start = performance.now();
    const [get, head, list] = [
      await readMirror(server, "k"),
      await readMirror(server, "k", "HEAD"),
      await listMirror(server),
    ];
    for (const reply of [get, head, list]) expectMarked(reply);
    expect(get.body.toString()).toBe("before");
    expect(jsonOf<ListReply>(list).files.map(({ key }) => key)).toEqual(["k"]);
    expect(refusalOf(await readMirror(server, "never put"))).toEqual({ status: 503, code: "unknown_as_of" });
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
  }
}
