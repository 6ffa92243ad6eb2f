import fc from "fast-check";
import { expect, it } from "vitest";
import { type ReapCommand, ReapWorld } from "./test-reap-world.js";

/** Histories explored in one run of the tests, each in an order of its own. */
const RUNS = 2000;
/** Some milliseconds each, and a machine that does other things too: a limit ends what hangs, it does not measure. */
const PATIENCE_MS = 300_000;

// One digest, so that everything is about the same blob; a second one now and then.
const key = fc.constantFrom("a", "b");
const text = fc.constantFrom("x", "x", "x", "y");
const node = fc.integer({ min: 1, max: 3 });
const on = fc.uniqueArray(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 2 });

const put: fc.Arbitrary<ReapCommand> = fc.record({ kind: fc.constant("put" as const), key, text, on });
const change: fc.Arbitrary<ReapCommand> = fc.oneof(
  { weight: 4, arbitrary: put },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("delete" as const, "undelete" as const), key }) },
  fc.record({ kind: fc.constant("copy" as const), from: key, to: key }),
  fc.record({ kind: fc.constantFrom("join" as const, "prune" as const) }),
);
const minutes = fc.constantFrom(1, 9, 11, 31, 61);
const work: fc.Arbitrary<ReapCommand> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("look" as const), node }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("repair" as const), node }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("scrub" as const), node }) },
  fc.record({ kind: fc.constant("restart" as const), node }),
  fc.record({ kind: fc.constant("wait" as const), minutes }),
  fc.constant<ReapCommand>({ kind: "prune" }),
);

/** Two sightings and what follows from them: rare by chance, so some of those who act do just that. */
const reap = node.map((number): ReapCommand[] => {
  const look: ReapCommand = { kind: "look", node: number };
  return [look, { kind: "wait", minutes: 61 }, look];
});
const purge = fc.tuple(key, node).map(([name, number]): ReapCommand[] => {
  const obey: ReapCommand = { kind: "obey", node: number };
  return [{ kind: "purge", key: name }, obey, { kind: "wait", minutes: 1 }, obey];
});
const staging = fc
  .tuple(
    fc.integer({ min: 1, max: 2 }),
    key,
    text,
    on,
    fc.constantFrom("prepare" as const, "commit" as const, "abort" as const),
  )
  .map(([tx, name, body, nodes, step]): ReapCommand[] => [
    { kind: "stage", tx, key: name, text: body, on: nodes },
    { kind: "finish", tx, step },
    { kind: "finish", tx, step: "commit" },
  ]);
const actor: fc.Arbitrary<ReapCommand[]> = fc.oneof(
  { weight: 3, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
  { weight: 2, arbitrary: fc.array(work, { minLength: 1, maxLength: 4 }) },
  { weight: 2, arbitrary: reap },
  { weight: 2, arbitrary: staging },
  purge,
);

/** What is there when it begins: a file, or a blob that nothing refers to any more, not yet or already seen so. */
const FILE: readonly ReapCommand[] = [{ kind: "put", key: "a", text: "x", on: [1, 2] }];
const GARBAGE: readonly ReapCommand[] = [...FILE, { kind: "delete", key: "a" }, { kind: "prune" }];
const SEEN: readonly ReapCommand[] = [...GARBAGE, { kind: "look", node: 1 }, { kind: "look", node: 2 }];
const RIPE: readonly ReapCommand[] = [...SEEN, { kind: "wait", minutes: 61 }];

it(
  "loses no blob that something refers to and misjudges none, in whatever order put, stage, purge, reap, repair, scrub and join go on",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.constantFrom<readonly ReapCommand[]>([], FILE, GARBAGE, SEEN, RIPE),
        fc.array(actor, { minLength: 2, maxLength: 5 }),
        async (scheduler, before, actors) => {
          const world = await ReapWorld.open(scheduler);
          await scheduler.waitFor(world.run(before));
          await scheduler.waitFor(Promise.all(actors.map((commands) => world.run(commands))));
          expect(await world.findLost()).toEqual([]);
          expect(world.misjudged).toEqual([]);
        },
      ),
      { numRuns: RUNS },
    );
  },
  PATIENCE_MS,
);
