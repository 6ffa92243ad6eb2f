import type { NodeId } from "@koboldfs/protocol";
import { DiskScrubStore } from "../blobs/disk/scrub/disk-scrub-store.js";
import { createPlainReader, type FileReading, type ShardReader } from "../blobs/disk/scrub/shard-reader.js";
import type { VolumeSet } from "../blobs/disk/volume-set.js";
import type { BlobName } from "../model/commit-view.js";
import type { ModelCatalog } from "../model/test-model-catalog.js";
import type { Clock } from "../runtime/clock.js";
import type { FileSystem } from "../runtime/file-system.js";
import { silentLogger } from "../runtime/logger.js";
import { ScrubReport } from "./scrub-report.js";
import { ScrubStretch, type ScrubStretchOptions } from "./scrub-stretch.js";
import { VolumeReads } from "./volume-reads.js";

export interface ScrubbedNode {
  readonly id: NodeId;
  readonly set: VolumeSet;
  readonly files: FileSystem;
  readonly clock: Clock;
}

/** What the world around a scrub answers, and when. */
export interface ScrubSurroundings {
  readonly catalog: ModelCatalog;
  /** What something refers to, as of now. */
  listReferences(): BlobName[];
  /** Resolves when this is the next thing to happen. */
  turn(what: string): Promise<void>;
}

/** One stretch of the real scrub over a node of a simulated world; answers what it found. */
export async function scrubStretch(node: ScrubbedNode, world: ScrubSurroundings, from: number): Promise<ScrubReport> {
  const plain = createPlainReader(node.files, node.clock);
  const reader: ShardReader = {
    ...plain,
    digest: async (paths, rate, signal) => {
      const readings: FileReading[] = [];
      for (const path of paths) {
        await world.turn("read");
        readings.push(...(await plain.digest([path], rate, signal)));
      }
      return readings;
    },
  };
  const store = new DiskScrubStore(node.set, reader);
  const row = world.catalog.nodes.get(node.id);
  const report = new ScrubReport();
  if (row === undefined) return report;
  const stretch = new ScrubStretch({
    store,
    catalog: createQuestions(node.id, world),
    cluster: { self: node.id, nodes: () => [{ ...row, ...VIEW }], readingPeers: () => [], nudge: () => {} },
    reads: new VolumeReads(),
    clock: node.clock,
    log: silentLogger,
  });
  const signal = new AbortController().signal;
  await stretch.run(from, { repairs: true, bytesPerSecond: Number.POSITIVE_INFINITY, report, signal });
  return report;
}

const VIEW = { heartbeatAgeMs: 0, freeBytes: 1, totalBytes: 1 };

function createQuestions(id: NodeId, world: ScrubSurroundings): ScrubStretchOptions["catalog"] {
  const { catalog } = world;
  const idOf = ({ namespace, digest }: BlobName) => `${id} ${namespace} ${digest}`;
  /** Others go on before the question comes there, and while the answer is on its way. */
  const ask = async <T>(what: string, answer: () => T): Promise<T> => {
    await world.turn(what);
    const found = answer();
    await world.turn(what);
    return found;
  };
  const isNamed = ({ digest }: BlobName) => world.listReferences().some((one) => one.digest === digest);
  return {
    listBlobs: ({ after, until }) =>
      ask("list blobs", () => {
        const all = new Map(world.listReferences().map((blob) => [blob.digest, { ...blob, sizeBytes: 1 }]));
        return [...all.values()].filter(({ digest }) => digest >= after.digest && digest <= until);
      }),
    listUnreferenced: (blobs) => ask("ask for references", () => blobs.filter((blob) => !isNamed(blob))),
    listOwedBy: (_node, blobs) => ask("ask for debts", () => blobs.filter((blob) => catalog.debts.has(idOf(blob)))),
    listDebts: () => ask("list debts", () => [...catalog.debts.values()].filter(({ node }) => node === id) as never[]),
    addDebts: (debts) => ask("add debts", () => debts.forEach((debt) => catalog.debts.set(idOf(debt), debt as never))),
    settleDebts: (debts) => ask("settle debts", () => debts.forEach((debt) => catalog.debts.delete(idOf(debt)))),
  };
}
