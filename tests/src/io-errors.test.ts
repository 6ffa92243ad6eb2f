import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { expectAccounted, expectNoTemporaryFiles, expectReadable } from "./accounting/check-writes.js";
import { WriteLedger } from "./accounting/write-ledger.js";
import { hasBlob } from "./harness/blobs-on-disk.js";
import { CallFaults, type TracedCall, whyNoCallFaults } from "./harness/call-faults.js";
import { NAMESPACE } from "./harness/cluster.js";
import { getFile, mustPut, sha256 } from "./harness/raw-files.js";
import { makeTempFolder } from "./harness/temp-folder.js";
import { reasonOf } from "./harness/test-catalog.js";
import { useCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";
import { IO_CASES, type IoCase, READ_CASES } from "./io/io-cases.js";

const FILES = 16;
const LANES = 4;
const INJECTED: unknown = expect.objectContaining({ isInjected: true });

const why = await whyNoCallFaults();
const temp = makeTempFolder();
afterAll(() => temp.remove());

describe.skipIf(why !== undefined)(`a node whose disk fails under it${reasonOf(why)}`, () => {
  const dataOf = (name: string) => (name === "b" ? [join(temp.path, "one"), join(temp.path, "two")] : undefined);
  const cluster = useCluster({ nodes: 2, engine: "sqlite", dataOf, settings: { INTERVAL: "0.25" } });
  const all = new WriteLedger();

  it.each(IO_CASES)("counts no copy that it may not have: $what", async (io) => {
    const b = cluster().node("b");
    const files = makeFiles(io.what);
    const ledger = new WriteLedger();
    const outs = () => b.log().split("volume_suspect").length;
    const before = outs();
    const faults = await CallFaults.inject(b, io.fault({ cluster: cluster(), ...files }), cluster().folder);
    await Promise.all(Array.from({ length: LANES }, (_, lane) => putLane(ledger, files.bodies, lane)));
    // Whoever was told of two copies may lose the other machine at this instant.
    const onTwo = ledger.attempts.filter(({ copies }) => copies === 2);
    expect(onTwo.filter(({ digest }) => !hasBlob(b, NAMESPACE, digest))).toEqual([]);
    const calls = await faults.end();
    expect({ calls, attempts: ledger.attempts }).toMatchObject({ calls: expect.arrayContaining([INJECTED]) });
    if (io.isFlush === true) expect(findRepeatedFlushes(calls)).toEqual([]);
    expect(ledger.acknowledged.length).toBeGreaterThan(0);
    for (const attempt of ledger.attempts) all.note(attempt);
    for (const node of cluster().nodes) await expectReadable(node, ledger.acknowledged);
    expect(outs() > before).toBe(io.volume !== "kept");
    await waitUntil("the volumes are as they shall be", async () => {
      const states = (await cluster().nodeInfo("b")).upkeep?.volumes.map(({ state }) => state);
      return io.volume === "out" ? states?.includes("out") : states?.every((state) => state === "good");
    });
    if (io.volume === "out") await b.restart();
    await waitUntil("a put is on both nodes again", async () => {
      return (await mustPut(b.url, `after ${io.what}`, io.what)).copies === 2;
    });
  });

  it.each(READ_CASES)("sends the right bytes or none: $what", async (io) => {
    const b = cluster().node("b");
    const files = makeFiles(io.what);
    for (const [key, body] of files.bodies) {
      const { copies, digest } = await mustPut(cluster().node("a").url, key, body);
      all.note({ key, copies, digest });
    }
    const faults = await CallFaults.inject(b, io.fault({ cluster: cluster(), ...files }), cluster().folder);
    for (const [key, body] of files.bodies) {
      const { status, body: bytes } = await getFile(b.url, key);
      expect([200, 503]).toContain(status);
      if (status === 200) expect(bytes.toString()).toBe(body);
    }
    expect(await faults.end()).toContainEqual(INJECTED);
  });

  it("has everything, owes nothing and leaves nothing behind after all of that and a SIGKILL", async () => {
    for (const node of cluster().nodes) await node.kill("SIGKILL");
    for (const node of cluster().nodes) await node.start();
    await cluster().waitUntilAllSeeAll();
    await expectAccounted(cluster(), all.attempts);
    expectNoTemporaryFiles(cluster().nodes);
    expect(checkJournal(await readJournal(cluster().dsn))).toEqual([]);
  });

  /** Every other lane through the node whose disk fails. */
  async function putLane(ledger: WriteLedger, bodies: ReadonlyMap<string, string>, lane: number): Promise<void> {
    const node = cluster().nodes[lane % 2];
    for (const [index, [key, body]] of [...bodies].entries()) {
      if (index % LANES === lane) await ledger.put(node?.url ?? "", key, body);
    }
  }
});

function makeFiles(what: IoCase["what"]): { bodies: ReadonlyMap<string, string>; digests: readonly string[] } {
  const keys = Array.from({ length: FILES }, (_, index) => `${what}/${index}`);
  const bodies = new Map(keys.map((key, index) => [key, `${key} `.repeat(1 + index * 40)]));
  return { bodies, digests: [...bodies.values()].map((body) => sha256(body)) };
}

/** Files that were flushed or named once more after a flush failed, with nothing written in between. */
function findRepeatedFlushes(calls: readonly TracedCall[]): string[] {
  const failed = new Set<string>();
  const repeated: string[] = [];
  for (const { name, paths, isInjected } of calls) {
    const [path = ""] = paths;
    if (name.includes("write")) failed.delete(path);
    else if (failed.has(path)) repeated.push(`${name} ${path}`);
    if (isInjected) failed.add(path);
  }
  return repeated;
}
