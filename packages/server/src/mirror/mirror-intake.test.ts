import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JournalGroup } from "../model/journal-group.js";
import { putOf, setNamespaceOf } from "../model/test-changes.js";
import { ModelCatalog, TEST_CLUSTER } from "../model/test-model-catalog.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { MemoryMirror } from "./memory/memory-mirror.js";
import { MirrorIntake } from "./mirror-intake.js";

function someGroups(count: number, first = "k"): JournalGroup[] {
  const catalog = new ModelCatalog();
  catalog.commit([setNamespaceOf()]);
  for (let index = 1; index < count; index += 1) catalog.commit([putOf(`${first}${index}`)]);
  return catalog.groups.map(({ first: from, last, hash, bytes }) => ({ first: from, last, hash, bytes }));
}

function createIntake(pull: (after: number) => Promise<readonly JournalGroup[]> = async () => []) {
  const mirror = new MemoryMirror(TEST_CLUSTER);
  const clock = new SimulatedClock();
  let writes = 0;
  const counted = {
    head: () => mirror.head(),
    append: (groups: readonly JournalGroup[]) => {
      writes += 1;
      return mirror.append(groups);
    },
  };
  return { mirror, clock, intake: new MirrorIntake({ mirror: counted, pull, clock }), writes: () => writes };
}

describe("MirrorIntake", () => {
  it("writes groups in order, in whatever order and however often they come", async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }), async (order) => {
        const groups = someGroups(8);
        const { mirror, intake } = createIntake();
        const twice = [...order, ...order].map((index) => intake.take(groups[index] as JournalGroup));
        await Promise.all(twice);
        expect(mirror.head()).toMatchObject({ number: 8, hash: groups.at(-1)?.hash });
      }),
    );
  });

  it("writes what came together in one go", async () => {
    const groups = someGroups(50);
    const { intake, writes } = createIntake();
    await Promise.all(groups.map((group) => intake.take(group)));
    expect(writes()).toBeLessThanOrEqual(2);
  });

  it("waits a moment for a group that is missing, then fetches it", async () => {
    const groups = someGroups(6);
    const asked: number[] = [];
    const { mirror, clock, intake } = createIntake(async (after) => {
      asked.push(after);
      return groups.filter(({ last }) => last > after).slice(0, 2);
    });
    const taken = intake.take(groups[5] as JournalGroup);
    await clock.advance(20);
    expect(asked).toEqual([]);
    await clock.advance(1000);
    expect(await taken).toMatchObject({ number: 6 });
    expect(asked).toEqual([0, 2, 4]);
    expect(mirror.head().number).toBe(6);
  });

  it("fetches what is missing even while later groups keep coming", async () => {
    const groups = someGroups(40);
    let fetched = false;
    const { clock, intake } = createIntake(async () => {
      fetched = true;
      return groups.slice(0, 1);
    });
    const taken = groups.slice(1).map(async (group, index) => {
      await clock.sleep(index * 10);
      return intake.take(group);
    });
    await clock.advance(100);
    expect(fetched).toBe(true);
    await clock.advance(1000);
    await Promise.all(taken);
  });

  it("takes a group that the worker brought while it waited for the one before it", async () => {
    const groups = someGroups(3);
    const { clock, intake, mirror } = createIntake(async (after) => groups.filter(({ last }) => last > after));
    const taken = intake.take(groups[2] as JournalGroup);
    await clock.advance(10);
    await intake.catchUp();
    expect(mirror.head().number).toBe(3);
    await clock.advance(100);
    expect(await taken).toMatchObject({ number: 3 });
  });

  it.each(["nothing", "a failure"])(
    "takes groups when the missing one comes while it is asked for, and the answer is %s",
    async (answer) => {
      const groups = someGroups(3) as [JournalGroup, JournalGroup, JournalGroup];
      let end = (): void => undefined;
      const asked = new Promise<void>((resolve) => {
        end = resolve;
      });
      const { clock, intake } = createIntake(async () => {
        await asked;
        if (answer === "nothing") return [];
        throw new Error("the catalog is away");
      });
      await intake.take(groups[0]);
      const last = intake.take(groups[2]);
      await clock.advance(100);
      const missing = intake.take(groups[1]);
      end();
      expect(await Promise.all([missing, last])).toMatchObject([{ number: 3 }, { number: 3 }]);
    },
  );

  it("says mirror_behind when nobody has what is missing, and takes the group when it is there", async () => {
    const groups = someGroups(3);
    const { clock, intake } = createIntake();
    const refused = intake.take(groups[2] as JournalGroup).catch((error: unknown) => error);
    await clock.advance(100);
    expect(await refused).toMatchObject({ code: "mirror_behind" });
    await Promise.all(groups.map((group) => intake.take(group)));
  });

  it("says mirror_behind at once when the gap is large: that is the worker's", async () => {
    const { intake } = createIntake();
    const [group] = someGroups(1);
    const far = { ...(group as JournalGroup), first: 1_000_000, last: 1_000_000 };
    await expect(intake.take(far)).rejects.toMatchObject({ code: "mirror_behind" });
  });

  it("refuses a group of another history alone", async () => {
    const [groups, others] = [someGroups(3), someGroups(4, "other")];
    const { mirror, intake } = createIntake();
    const wrong = intake.take(others[1] as JournalGroup).catch((error: unknown) => error);
    const right = groups.map((group) => intake.take(group).catch((error: unknown) => error));
    const results = await Promise.all([wrong, ...right]);
    // The first of the two to be written decides which history this is; the other one is refused, and nothing else.
    expect(results.filter((result) => result instanceof Error).length).toBeGreaterThan(0);
    expect(await mirror.findGroupHash(mirror.head().number)).toBe(mirror.head().hash);
  });
});
