import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ScriptedUpkeep, STILL_UPKEEP } from "../cluster/test-upkeep.js";
import { HistoryEvents } from "../cluster/history-events.js";
import { MemoryMirror } from "../mirror/memory/memory-mirror.js";
import { systemClock } from "../runtime/clock.js";
import { StatusService } from "./status-service.js";
import { DEMO, openTestFiles, type TestFiles } from "./test-files.js";

describe("StatusService", () => {
  let test: TestFiles;
  let own: ScriptedUpkeep;
  let status: StatusService;
  beforeEach(async () => {
    test = await openTestFiles({ peers: ["b", "c"] });
    const { catalog, cluster } = test;
    own = new ScriptedUpkeep();
    own.answer = { ...STILL_UPKEEP, repair: { filesPerSecond: 2, bytesPerSecond: 1_000 } };
    status = new StatusService({
      catalog,
      cluster,
      reads: test.context.reads,
      mirror: new MemoryMirror(catalog.clusterId),
      events: new HistoryEvents(systemClock),
      upkeep: own,
      webhooks: { list: async () => [] },
      transactions: test.files.transactions,
    });
  });
  afterEach(() => test.close());

  async function owe(name: string, count: number): Promise<void> {
    for (let blob = 0; blob < count; blob += 1) {
      const digest = blob.toString(16).padStart(64, "0") as never;
      await test.catalog.addDebt({ node: test.idOf(name), namespace: DEMO, digest, sizeBytes: 1_000, copies: 1 });
    }
  }

  async function infoOf(name: string) {
    return (await status.listNodes()).value.find((node) => node.name === name);
  }

  it("says how much a node owes, since when, and how long that takes at its present pace", async () => {
    await owe("self", 10);
    const info = await infoOf("self");
    expect(info).toMatchObject({ debtFiles: 10, debtBytes: "10000", debtSecondsLeft: 10, upkeep: own.answer });
    expect(info?.debtSince).toBeDefined();
    own.answer = STILL_UPKEEP;
    expect(await infoOf("self")).not.toHaveProperty("debtSecondsLeft");
  });

  it("shows what peers say of themselves, and goes without one that does not answer", async () => {
    const [, b, c] = test.cluster.nodes();
    const [theirs, silent] = [new ScriptedUpkeep(), new ScriptedUpkeep()];
    theirs.answer = { ...STILL_UPKEEP, repair: { filesPerSecond: 1, bytesPerSecond: 0 } };
    silent.failure = new Error("planted");
    test.cluster.upkeeps = [
      { node: b as never, upkeep: theirs },
      { node: c as never, upkeep: silent },
    ];
    await owe("b", 3);
    expect(await infoOf("b")).toMatchObject({ upkeep: theirs.answer, debtSecondsLeft: 3 });
    expect(await infoOf("c")).not.toHaveProperty("upkeep");
  });
});
