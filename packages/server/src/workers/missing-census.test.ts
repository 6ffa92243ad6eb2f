import { parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEMO, openTestFiles, type TestFiles } from "../files/test-files.js";
import { digestOf, putOf, setNamespaceOf } from "../model/test-changes.js";
import { silentLogger } from "../runtime/logger.js";
import { MissingCensus } from "./missing-census.js";

const FILES = 900;

describe("MissingCensus", () => {
  let test: TestFiles;
  let census: MissingCensus;
  let lost: Set<string>;

  beforeEach(async () => {
    test = await openTestFiles({ peers: ["b"] });
    const { catalog, cluster } = test;
    lost = new Set();
    const here = {
      stat: async ({ digest }: { digest: string }) => (lost.has(digest) ? undefined : { sizeBytes: 1 }),
    };
    census = new MissingCensus({ catalog, cluster, here, log: silentLogger });
    await catalog.commit(setNamespaceOf(DEMO));
    const placedOn = [test.idOf("self"), test.idOf("b")];
    const puts = Array.from({ length: FILES }, (_, file) =>
      putOf(`${file}`, `${file}`, { namespace: parseNamespaceName(DEMO), placedOn }),
    );
    await catalog.commitAll(puts);
  });
  afterEach(() => test.close());

  async function run(): Promise<void> {
    census.begin();
    while (census.isRunning) await census.step();
  }

  const debts = async () => test.catalog.listDebts(test.cluster.self, 1_000);

  it("makes a debt of everything that the catalog names and is not here, and of nothing else", async () => {
    await run();
    expect(await debts()).toEqual([]);
    for (let file = 0; file < FILES; file += 7) lost.add(digestOf(`${file}`));
    await run();
    await run();
    expect(new Set((await debts()).map(({ digest }) => digest))).toEqual(lost);
    expect(test.cluster.nudged).toContain(test.cluster.self);
  });

  it("begins anew when more goes out while it walks", async () => {
    census.begin();
    await census.step();
    for (let file = 0; file < FILES; file += 1) lost.add(digestOf(`${file}`));
    census.begin();
    while (census.isRunning) await census.step();
    expect((await test.catalog.countDebts())[0]?.files).toBe(FILES);
  });

  it("owes nothing on a node that is being drained", async () => {
    test.cluster.setSelf({ state: "draining" });
    lost.add(digestOf("1"));
    await run();
    expect(await debts()).toEqual([]);
  });
});
