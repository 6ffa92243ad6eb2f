import { describe, expect, it } from "vitest";
import type { StatusReply } from "@koboldfs/protocol";
import { mustGet, mustPut } from "./harness/raw-files.js";
import { jsonOf, rawRequest } from "./harness/raw-request.js";
import { reasonOf, whyEngineIsMissing } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { checkJournal, entriesOf } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

const missingMariadb = await whyEngineIsMissing("mariadb");

describe.each(["sqlite", "postgres", "mariadb"] as const)(
  "three nodes that start at the same moment on an empty catalog",
  (engine) => {
    const missing = engine === "mariadb" ? missingMariadb : undefined;

    it.skipIf(missing !== undefined)(`of ${engine} become one cluster${reasonOf(missing)}`, async () => {
      await withCluster({ nodes: 3, engine }, async (cluster) => {
        const replies = await Promise.all(cluster.urls.map((url) => rawRequest(url, { path: "/v1/status" })));
        const statuses = replies.map((reply) => jsonOf<StatusReply>(reply));
        expect(new Set(statuses.map((status) => status.cluster)).size).toBe(1);
        for (const status of statuses) expect(status.nodes.map((node) => node.name).sort()).toEqual(["a", "b", "c"]);
        for (const url of cluster.urls) await mustPut(url, `by ${url}`, url);
        for (const url of cluster.urls) {
          for (const other of cluster.urls) expect((await mustGet(url, `by ${other}`)).toString()).toBe(other);
        }
        const journal = await readJournal(cluster.dsn);
        expect(checkJournal(journal)).toEqual([]);
        const names = journal.groups.flatMap(entriesOf).filter((entry) => entry["kind"] === "node");
        expect(new Set(names.map((entry) => entry["id"])).size).toBe(3);
      });
    });
  },
);
