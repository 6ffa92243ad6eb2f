import { describe, expect, it } from "vitest";
import { expectAccounted } from "./accounting/check-writes.js";
import { WriteLedger } from "./accounting/write-ledger.js";
import type { Cluster } from "./harness/cluster.js";
import { getFile, mustPut, putFile } from "./harness/raw-files.js";
import { refusalOf } from "./harness/raw-request.js";
import { useCluster } from "./harness/use-cluster.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

/** Where a node has the journal's lock, or had it a moment ago. */
const IN_LOCK = ["commit.locked", "commit.send.before", "commit.done", "commit.mirrors.before"] as const;
/** The lock is free after five seconds; the frozen node is also a peer, which is given up after two, twice. */
const OTHERS_WRITE_WITHIN_MS = 9_000;

/** What stops the node: its own threads, or the way to the catalog, while the catalog holds the lock for it. */
type Standstill = "stands still" | "cannot be heard by the catalog" | "cannot hear the catalog";

const STANDSTILLS: readonly Standstill[] = [
  "stands still",
  "cannot be heard by the catalog",
  "cannot hear the catalog",
];

async function begin(cluster: Cluster, standstill: Standstill): Promise<void> {
  const b = cluster.node("b");
  if (standstill === "stands still") return;
  if (standstill === "cannot hear the catalog") cluster.catalogProxyOf("b").deafen();
  else cluster.catalogProxyOf("b").blackHole();
  await b.kill("SIGCONT");
}

async function end(cluster: Cluster): Promise<void> {
  cluster.catalogProxyOf("b").heal();
  await cluster.node("b").kill("SIGCONT");
}

describe("a node in the midst of a commit on postgres", () => {
  const cluster = useCluster({ nodes: 2, engine: "postgres", canCrash: true, proxyCatalogOfEach: true });
  const cases = IN_LOCK.flatMap((point) => STANDSTILLS.map((standstill) => ({ point, standstill })));

  it.each(cases)("that $standstill at $point holds nobody up for long, and nothing comes of it later", async (one) => {
    const { point, standstill } = one;
    const [a, b] = [cluster().node("a"), cluster().node("b")];
    const ledger = new WriteLedger();
    const name = `${point} ${standstill}`;
    await cluster().waitUntilAllSeeAll();
    await mustPut(a.url, `${name} overwritten`, "before");
    let held: Promise<void>[] = [];
    await b.freezeAt(point, () => {
      held = [ledger.put(b.url, `${name} held`, `${name} held`), overwrite(cluster(), name)];
    });
    await begin(cluster(), standstill);
    const beganMs = performance.now();
    await ledger.put(a.url, `${name} by the other`, name);
    await mustPut(a.url, `${name} overwritten`, "by the other");
    const seconds = (performance.now() - beganMs) / 1000;
    await end(cluster());
    await Promise.all(held);
    expect(ledger.attempts.find(({ key }) => key.endsWith("other"))?.copies).toBeGreaterThan(0);
    expect(seconds * 1000).toBeLessThan(OTHERS_WRITE_WITHIN_MS);
    await expectAccounted(cluster(), ledger.attempts);
    expect(checkJournal(await readJournal(cluster().dsn))).toEqual([]);
    const answers = await Promise.all(cluster().nodes.map(({ url }) => getFile(url, `${name} overwritten`)));
    expect(new Set(answers.map(({ headers }) => headers["koboldfs-version"])).size).toBe(1);
  });
});

/** Not in the ledger, whose keys are put once: whichever of the two came last is the file, on both nodes. */
async function overwrite(cluster: Cluster, name: string): Promise<void> {
  await putFile(cluster.node("b").url, `${name} overwritten`, { body: "by the held one" }).catch(() => undefined);
}

describe("a node in the midst of a commit on sqlite", () => {
  const cluster = useCluster({ nodes: 2, engine: "sqlite", canCrash: true });

  it("that stands still holds the lock of its machine: the others refuse with 503, and go on when it does", async () => {
    const [a, b] = [cluster().node("a"), cluster().node("b")];
    const ledger = new WriteLedger();
    let held = Promise.resolve();
    await b.freezeAt("commit.locked", () => {
      held = ledger.put(b.url, "held", "held");
    });
    const refused = await putFile(a.url, "refused", { body: "refused" });
    expect(refusalOf(refused)).toEqual({ status: 503, code: "commit_contended" });
    await b.kill("SIGCONT");
    await held;
    expect(ledger.acknowledged).toHaveLength(1);
    await ledger.put(a.url, "afterwards", "afterwards");
    await expectAccounted(cluster(), ledger.attempts);
    expect((await getFile(a.url, "refused")).status).toBe(404);
  });
});
