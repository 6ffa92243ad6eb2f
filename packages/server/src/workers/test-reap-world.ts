import { parseFileKey } from "@koboldfs/protocol";
import type fc from "fast-check";
import { openOptions } from "../blobs/disk/test-volumes.js";
import { openDiskVolumes } from "../blobs/disk/open-volumes.js";
import type { VolumeSet } from "../blobs/disk/volume-set.js";
import type { Change, ChangeOutcome } from "../model/change.js";
import type { DebtRef, PlannedPurge } from "../model/commit-plan.js";
import type { BlobName } from "../model/commit-view.js";
import {
  beginOf,
  contentOf,
  finishOf,
  NAMESPACE,
  nodeId,
  putOf,
  setNamespaceOf,
  setNodeOf,
  stageOf,
} from "../model/test-changes.js";
import { ModelCatalog } from "../model/test-model-catalog.js";
import type { FileSystem } from "../runtime/file-system.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { SimulatedFileSystem } from "../runtime/simulated-file-system.js";
import { shardOf } from "../model/folder-shard.js";
import { Reaper } from "./reaper.js";
import { scrubStretch } from "./test-reap-scrub.js";

const MINUTE_MS = 60_000;

export type ReapCommand =
  | { readonly kind: "put"; readonly key: string; readonly text: string; readonly on: readonly number[] }
  | { readonly kind: "delete" | "undelete" | "purge"; readonly key: string }
  | { readonly kind: "copy"; readonly from: string; readonly to: string }
  /** Staged in a transaction, and what becomes of that. */
  | {
      readonly kind: "stage";
      readonly tx: number;
      readonly key: string;
      readonly text: string;
      readonly on: readonly number[];
    }
  | { readonly kind: "finish"; readonly tx: number; readonly step: "prepare" | "commit" | "abort" }
  | { readonly kind: "look" | "repair" | "obey" | "restart" | "scrub"; readonly node: number }
  | { readonly kind: "join" | "prune" }
  | { readonly kind: "wait"; readonly minutes: number };

interface World {
  readonly catalog: ModelCatalog;
  readonly clock: SimulatedClock;
  readonly scheduler: fc.Scheduler;
}

interface ReapNode {
  readonly number: number;
  readonly set: VolumeSet;
  readonly files: FileSystem;
  reaper: Reaper;
}

/** A reaper of a new process. The one before died with its process, in the middle of whatever it did. */
function startReaper(world: World, node: Pick<ReapNode, "set" | "files"> & { reaper?: Reaper }): Reaper {
  const reaper: Reaper = new Reaper({
    ...reaperParts(world),
    store: {
      removeIf: (ref, isWanted, options) => node.set.removeIf(ref, () => node.reaper === reaper && isWanted(), options),
    },
  });
  node.reaper = reaper;
  return reaper;
}

/** Nodes with the real volumes and the real reaper on simulated disks; the scheduler says who goes on next. */
export class ReapWorld {
  readonly #world: World;
  readonly #nodes: readonly ReapNode[];
  readonly #gates: readonly { isOpen: boolean }[];
  /** Findings of scrubs. */
  readonly misjudged: object[] = [];

  private constructor(world: World, nodes: readonly ReapNode[], gates: readonly { isOpen: boolean }[]) {
    this.#world = world;
    this.#nodes = nodes;
    this.#gates = gates;
  }

  static async open(scheduler: fc.Scheduler): Promise<ReapWorld> {
    const world: World = { catalog: new ModelCatalog(), clock: new SimulatedClock(), scheduler };
    world.catalog.commit([setNamespaceOf(), setNodeOf(1), setNodeOf(2)]);
    const gates = [1, 2, 3].map(() => ({ isOpen: false }));
    const nodes: ReapNode[] = [];
    for (const [index, gate] of gates.entries()) {
      const files = scheduleFiles(new SimulatedFileSystem(), scheduler, gate);
      const options = { ...openOptions([`/node${index + 1}`], files), lock: () => ({ release: () => {} }) };
      const set = await openDiskVolumes(options);
      const node = { number: index + 1, set, files };
      nodes.push(Object.assign(node, { reaper: startReaper(world, node) }));
    }
    const opened = new ReapWorld(world, nodes, gates);
    for (const node of nodes) node.set.watchPlacements((ref) => node.reaper.placed(ref));
    for (const gate of gates) gate.isOpen = true;
    return opened;
  }

  async run(commands: readonly ReapCommand[]): Promise<void> {
    for (const command of commands) await this.#run(command);
  }

  /** Blobs that a node should hold and does not, or that are nowhere, though something refers to them. */
  async findLost(): Promise<string[]> {
    for (const gate of this.#gates) gate.isOpen = false;
    const { catalog } = this.#world;
    const lost: string[] = [];
    for (const { namespace, digest } of listNamed(catalog)) {
      for (const node of this.#nodes) {
        const id = nodeId(node.number);
        const row = catalog.nodes.get(id);
        const isOwed = catalog.debts.has(`${id} ${namespace} ${digest}`) || row?.backfillPosition !== row?.joinedAt;
        const isHere = (await node.set.stat({ namespace, digest })) !== undefined;
        if (row !== undefined && !isOwed && !isHere) lost.push(`${digest} at node ${node.number}`);
      }
    }
    for (const { content, placedOn, minCopies } of catalog.staged.values()) {
      // Of what is only staged its own nodes must have the bytes: others owe them when it is prepared or committed.
      for (const node of this.#nodes.filter(
        ({ number }) => minCopies !== undefined && placedOn.includes(nodeId(number)),
      )) {
        const ref = { namespace: NAMESPACE, digest: content?.digest ?? ("" as never) };
        if ((await node.set.stat(ref)) === undefined) lost.push(`${ref.digest} staged at node ${node.number}`);
      }
    }
    return lost;
  }

  async #run(command: ReapCommand): Promise<void> {
    const { clock, scheduler } = this.#world;
    switch (command.kind) {
      case "put":
        return this.#put(command);
      case "delete":
      case "undelete":
      case "purge":
        return void (await this.#commit({ kind: command.kind, namespace: NAMESPACE, key: parseFileKey(command.key) }));
      case "copy": {
        const [from, to] = [parseFileKey(command.from), parseFileKey(command.to)];
        return void (await this.#commit({ kind: "copy", namespace: NAMESPACE, from, to }));
      }
      case "stage":
        return this.#stage(command);
      case "finish":
        return void (await this.#commit(finishOf(command.step, command.tx)));
      case "look":
        return this.#look(this.#node(command.node));
      case "scrub":
        return this.#scrub(this.#node(command.node));
      case "repair":
        return this.#repair(this.#node(command.node));
      case "obey":
        return this.#obey(this.#node(command.node));
      case "restart": {
        startReaper(this.#world, this.#node(command.node));
        return;
      }
      case "join":
        return void (await this.#commit(setNodeOf(3)));
      case "prune":
        return this.#prune();
      case "wait":
        await scheduler.schedule(Promise.resolve(), "wait");
        return clock.advance(command.minutes * MINUTE_MS);
    }
  }

  #node(number: number): ReapNode {
    const node = this.#nodes[number - 1];
    if (node === undefined) throw new Error(`no node ${number}`);
    return node;
  }

  async #stage({ tx, key, text, on }: ReapCommand & { kind: "stage" }): Promise<void> {
    await this.#commit(beginOf(tx, 86_400_000));
    const placedSinceMs = this.#world.clock.monotonic();
    for (const number of on) await place(this.#node(number).set, text);
    await this.#commit(stageOf(tx, putOf(key, text, { placedOn: on.map(nodeId), placedSinceMs })));
  }

  async #put({ key, text, on }: ReapCommand & { kind: "put" }): Promise<void> {
    const placedSinceMs = this.#world.clock.monotonic();
    for (const number of on) await place(this.#node(number).set, text);
    const placedOn = on.map(nodeId);
    const put = { kind: "put", namespace: NAMESPACE, key: parseFileKey(key), content: contentOf(text) } as const;
    await this.#commit({ ...put, placedOn, placedSinceMs, minCopies: 1 });
  }

  async #commit(change: Change): Promise<ChangeOutcome | undefined> {
    const { catalog, clock, scheduler } = this.#world;
    await scheduler.schedule(Promise.resolve(), change.kind);
    catalog.monotonicMs = clock.monotonic();
    catalog.nowMs = Math.max(catalog.nowMs, clock.monotonic());
    return catalog.commit([change])[0];
  }

  /** Nothing is wrong with any disk here: whatever is found is misjudged. What nothing refers to may be told, too early. */
  async #scrub({ number, set, files }: ReapNode): Promise<void> {
    const { catalog, clock, scheduler } = this.#world;
    const node = { id: nodeId(number), set, files, clock };
    const turn = (what: string) => scheduler.schedule(Promise.resolve(), what);
    const world = { catalog, turn, listReferences: () => listReferences(catalog) };
    const { findings } = await scrubStretch(node, world, shardOf(contentOf("x").digest));
    const { missing, corrupt, misplaced } = findings;
    if (missing + corrupt + misplaced > 0) this.misjudged.push({ ...findings });
  }

  async #look({ set, reaper }: ReapNode): Promise<void> {
    for await (const refs of set.walkShards()) await reaper.look(refs);
  }

  /** As the repair worker and backfill do: rely on it, look for it, fetch it, and only then strike off the debt. */
  async #repair({ number, set }: ReapNode): Promise<void> {
    const { catalog, scheduler } = this.#world;
    const id = nodeId(number);
    const row = catalog.nodes.get(id);
    if (row === undefined) return;
    const isBehind = row.backfillPosition < row.joinedAt;
    const owed: DebtRef[] = [...catalog.debts.values()].filter((debt) => debt.node === id);
    const missed = isBehind ? listNamed(catalog).map((blob) => ({ ...blob, node: id })) : [];
    let isComplete = true;
    for (const debt of [...owed, ...missed]) {
      if (!(await this.#fetch(set, debt))) isComplete = false;
      else {
        await scheduler.schedule(Promise.resolve(), "settle");
        catalog.debts.delete(`${id} ${debt.namespace} ${debt.digest}`);
      }
    }
    // A batch that lacks something is walked again: a debt would do as well.
    if (isBehind && isComplete) catalog.nodes.set(id, { ...row, backfillPosition: row.joinedAt });
  }

  async #fetch(set: VolumeSet, ref: BlobName): Promise<boolean> {
    await set.rely(ref);
    if ((await set.stat(ref)) !== undefined) return true;
    for (const other of this.#nodes) {
      const blob = await other.set.open(ref);
      if (blob === undefined || !Buffer.isBuffer(blob.content)) continue;
      const write = await set.create(NAMESPACE);
      await write.write(blob.content);
      await write.finish();
      return true;
    }
    return false;
  }

  async #obey({ number, reaper }: ReapNode): Promise<void> {
    const { catalog, clock, scheduler } = this.#world;
    const open = [...catalog.purges.values()].filter((one) => one.node === nodeId(number) && one.doneMs === undefined);
    const obeyed = await reaper.purge(open as PlannedPurge[]);
    await scheduler.schedule(Promise.resolve(), "end purges");
    for (const order of obeyed) {
      const id = `${order.node} ${order.namespace} ${order.digest}`;
      // One that was given again meanwhile stays.
      if (catalog.purges.get(id) === order) catalog.purges.set(id, { ...order, doneMs: clock.monotonic() });
    }
  }

  async #prune(): Promise<void> {
    const { catalog } = this.#world;
    await this.#commit({ kind: "move-horizon", namespace: NAMESPACE, horizon: catalog.head.number });
    const horizon = catalog.namespaces.get(NAMESPACE)?.horizon ?? 0;
    for (const [id, former] of catalog.formers) if (former.supersededBy <= horizon) catalog.formers.delete(id);
  }
}

async function place(set: VolumeSet, text: string): Promise<void> {
  const write = await set.create(NAMESPACE);
  await write.write(Buffer.from(text));
  await write.finish();
}

/** What a node that is filled walks: the entries of what is current or can be brought back. */
function listNamed(catalog: ModelCatalog): BlobName[] {
  const all = [...catalog.files.values(), ...catalog.formers.values()];
  return all.map(({ namespace, digest }) => ({ namespace, digest }));
}

function listReferences(catalog: ModelCatalog): BlobName[] {
  const staged = [...catalog.staged.values()].flatMap(({ namespace, content }) => {
    return content === undefined ? [] : [{ namespace, digest: content.digest }];
  });
  return [...listNamed(catalog), ...staged];
}

function reaperParts({ catalog, clock, scheduler }: World) {
  const listUnreferenced = async (blobs: readonly BlobName[]) => {
    await scheduler.schedule(Promise.resolve(), "ask for references");
    const names = new Set(listReferences(catalog).map((blob) => blob.digest));
    const answer = blobs.filter((blob) => !names.has(blob.digest));
    // The answer is on its way while others go on.
    await scheduler.schedule(Promise.resolve(), "references");
    return answer;
  };
  const head = async () => ({ ...catalog.head, epoch: 0 });
  const dropIdleDebts = async () => 0;
  return { catalog: { listUnreferenced, confirmUnreferenced: listUnreferenced, dropIdleDebts, head }, clock };
}

/** Calls that change what lies on the disk, or look whether it is there. */
const STEPS: ReadonlySet<string | symbol> = new Set(["rename", "unlink", "stat", "findStat"]);

/** Lets others go on before each of those calls. */
function scheduleFiles(files: FileSystem, scheduler: fc.Scheduler, gate: { isOpen: boolean }): FileSystem {
  return new Proxy(files, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...parameters: unknown[]) => unknown;
      if (!STEPS.has(name)) return method.bind(target);
      return async (...parameters: unknown[]) => {
        if (gate.isOpen) await scheduler.schedule(Promise.resolve(), String(name));
        return Reflect.apply(method, target, parameters);
      };
    },
  });
}
