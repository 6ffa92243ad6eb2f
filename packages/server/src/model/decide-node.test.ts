import { parseNodeName } from "@koboldfs/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change, NodeSettings } from "./change.js";
import { NODE_STATES } from "./node-state.js";
import { beginOf, nodeId, putOf, setNamespaceOf, setNodeOf, stageOf } from "./test-changes.js";
import { ModelCatalog } from "./test-model-catalog.js";

function catalogWith(nodes: number): ModelCatalog {
  const catalog = new ModelCatalog();
  catalog.commit([setNamespaceOf(), ...Array.from({ length: nodes }, (_, index) => setNodeOf(index + 1))]);
  return catalog;
}

function tell(catalog: ModelCatalog, ...changes: Change[]): string[] {
  return catalog.commit(changes).map((outcome) => (outcome.ok ? "ok" : outcome.error.code));
}

function stateOf(number: number, state: NodeSettings["state"]): Change {
  return { kind: "set-node-state", node: nodeId(number), state };
}

function refillOf(number: number, forgetVolumes = false): Change {
  return { kind: "refill-node", node: nodeId(number), forgetVolumes };
}

describe("the state of a node", () => {
  it("is set alone: what else is known of the node stays, and the entry holds all of it", () => {
    const catalog = catalogWith(2);
    expect(tell(catalog, stateOf(2, "readonly"))).toEqual(["ok"]);
    const settings = { ...setNodeOf(2).node, state: "readonly" };
    expect(catalog.nodes.get(nodeId(2))).toMatchObject(settings);
    expect(catalog.groups.at(-1)?.entries).toEqual([{ kind: "node", number: catalog.head.number, node: settings }]);
  });

  it("is no entry when it is so already", () => {
    const catalog = catalogWith(2);
    const before = catalog.head.number;
    expect(tell(catalog, stateOf(2, "alive"))).toEqual(["ok"]);
    expect(catalog.head.number).toBe(before);
  });

  it("is not that of an unknown node, nor ever again that of a dead one", () => {
    const catalog = catalogWith(2);
    expect(tell(catalog, stateOf(9, "dead"), stateOf(2, "dead"), stateOf(2, "alive"), setNodeOf(2))).toEqual([
      "node_not_found",
      "ok",
      "node_dead",
      "node_dead",
    ]);
    expect(tell(catalog, refillOf(2), refillOf(9))).toEqual(["node_dead", "node_not_found"]);
  });

  it("stays as it is when a node enters itself again, whatever it knew of it", () => {
    const catalog = catalogWith(2);
    const { state: _, ...rest } = setNodeOf(2, { url: "http://elsewhere" }).node;
    tell(catalog, stateOf(2, "draining"), { kind: "set-node", node: rest });
    expect(catalog.nodes.get(nodeId(2))).toMatchObject({ state: "draining", url: "http://elsewhere" });
  });

  it("never leaves a cluster without a node that should hold every file", () => {
    const catalog = catalogWith(2);
    expect(tell(catalog, stateOf(1, "draining"), stateOf(2, "draining"), stateOf(2, "dead"))).toEqual([
      "ok",
      "last_holder",
      "last_holder",
    ]);
    expect(tell(catalog, stateOf(1, "alive"), stateOf(2, "dead"))).toEqual(["ok", "ok"]);
  });

  it("frees the name of a dead node for the machine that takes its place", () => {
    const catalog = catalogWith(2);
    const successor = setNodeOf(3, { name: parseNodeName("node-2") });
    expect(tell(catalog, successor, stateOf(2, "dead"), successor)).toEqual(["node_name_taken", "ok", "ok"]);
  });

  it("says whose copies count: a dead node owes nothing, is not wanted, and is nobody's copy", () => {
    const catalog = catalogWith(3);
    tell(catalog, stateOf(3, "dead"));
    const [refused, named] = catalog.commit([
      putOf("a", "x", { placedOn: [nodeId(3)] }),
      putOf("b", "x", { placedOn: [nodeId(1), nodeId(3)] }),
    ]);
    expect(refused).toMatchObject({ ok: false, error: { code: "too_few_copies" } });
    expect(named).toMatchObject({ ok: true, copies: 1, holders: 2, owing: [nodeId(2)] });
  });

  it("says whose copies count: what was placed on a node before it was filled anew is nobody's", () => {
    const catalog = catalogWith(2);
    const placedAfter = catalog.head.number;
    const placed = { placedOn: [nodeId(1), nodeId(2)], placedAfter };
    tell(catalog, putOf("before", "x", placed), beginOf(1));
    expect(catalog.debts.size).toBe(0);
    tell(catalog, refillOf(2, true));
    const [named, refused, staged] = catalog.commit([
      putOf("a", "y", placed),
      putOf("b", "y", { ...placed, minCopies: 2 }),
      stageOf(1, putOf("c", "z", { ...placed, minCopies: 2 })),
    ]);
    expect(named).toMatchObject({ ok: true, copies: 1, owing: [nodeId(2)] });
    expect(refused).toMatchObject({ ok: false, error: { code: "too_few_copies" } });
    expect(staged).toMatchObject({ ok: false, error: { code: "too_few_copies" } });
    const again = putOf("b", "y", { ...placed, placedAfter: catalog.head.number, minCopies: 2 });
    expect(tell(catalog, again)).toEqual(["ok"]);
  });
});

describe("the backfill of a node", () => {
  it("goes on behind what it held when it stopped owing, and walks what was put meanwhile", () => {
    const catalog = catalogWith(2);
    tell(catalog, putOf("a"), stateOf(2, "draining"));
    const drained = catalog.head.number;
    tell(catalog, putOf("b"));
    expect(catalog.debts.size).toBe(1);
    tell(catalog, stateOf(2, "readonly"));
    expect(catalog.nodes.get(nodeId(2))).toMatchObject({ joinedAt: catalog.head.number, backfillPosition: drained });
  });

  it("that was not complete stays where it was, whatever the node's state does", () => {
    const catalog = catalogWith(1);
    tell(catalog, putOf("a"), setNodeOf(2), stateOf(2, "draining"), stateOf(2, "alive"));
    expect(catalog.nodes.get(nodeId(2))).toMatchObject({ joinedAt: catalog.head.number, backfillPosition: 0 });
  });

  it("starts over for a refill, which forgets the volumes only when it is told to", () => {
    const catalog = catalogWith(2);
    tell(catalog, putOf("a"), refillOf(2));
    const over = { joinedAt: catalog.head.number, backfillPosition: 0 };
    expect(catalog.nodes.get(nodeId(2))).toMatchObject({ ...over, volumes: ["v2"] });
    tell(catalog, refillOf(2, true));
    expect(catalog.nodes.get(nodeId(2))).toMatchObject({ joinedAt: catalog.head.number, volumes: [] });
  });
});

type Step = { readonly commit: readonly Change[] } | { readonly backfill: number };

const numbers = fc.integer({ min: 1, max: 3 });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.constantFrom("x", "y", "z"), fc.uniqueArray(numbers, { minLength: 1 })).map(([text, placed]) => {
    return putOf(text, text, { placedOn: placed.map(nodeId) });
  }),
  fc
    .tuple(numbers, fc.constantFrom("alive", "readonly", "draining", "dead"))
    .map(([number, state]) => stateOf(number, state as "alive")),
  fc.tuple(numbers, fc.constantFrom("alive", "readonly")).map(([number, state]) => {
    return setNodeOf(number, { state: state as "alive" });
  }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => ({ commit: changes })),
  numbers.map((number) => ({ backfill: number })),
);

/** Which node has which bytes, beside what the catalog says of it. */
class World {
  readonly catalog = new ModelCatalog();
  readonly held = new Set<string>();

  constructor() {
    this.catalog.commit([setNamespaceOf()]);
  }

  take(one: Step): void {
    if ("backfill" in one) return this.#backfill(one.backfill);
    const outcomes = this.catalog.commit(one.commit);
    for (const [index, wanted] of one.commit.entries()) {
      if (wanted.kind !== "put" || !outcomes[index]?.ok) continue;
      for (const node of wanted.placedOn) this.held.add(`${node}/${wanted.content.digest}`);
    }
  }

  puts(): { number: number; digest: string }[] {
    return this.catalog.groups.flatMap(({ entries }) =>
      entries.flatMap((entry) =>
        entry.kind === "put" ? [{ number: entry.number, digest: entry.content.digest }] : [],
      ),
    );
  }

  #backfill(number: number): void {
    const node = this.catalog.nodes.get(nodeId(number));
    if (node === undefined || !NODE_STATES[node.state].owes) return;
    for (const put of this.puts()) {
      if (put.number > node.backfillPosition && put.number <= node.joinedAt) this.held.add(`${node.id}/${put.digest}`);
    }
    this.catalog.nodes.set(node.id, { ...node, backfillPosition: Math.max(node.backfillPosition, node.joinedAt) });
  }
}

describe("a node that should hold every file", () => {
  it("has each, owes it, or has its entry before it in the backfill, whatever happened to its state", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const world = new World();
        for (const one of steps) world.take(one);
        const { nodes, debts } = world.catalog;
        for (const node of [...nodes.values()].filter(({ state }) => NODE_STATES[state].owes)) {
          for (const { number, digest } of world.puts()) {
            const has = world.held.has(`${node.id}/${digest}`);
            const owes = [...debts.values()].some((debt) => debt.node === node.id && debt.digest === digest);
            const isAhead = number > node.backfillPosition && number <= node.joinedAt;
            expect(has || owes || isAhead, `${node.name} and entry ${number}`).toBe(true);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
