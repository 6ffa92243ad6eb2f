import type { MirrorBranch } from "../mirror/mirror.js";
import type { PeerMirror } from "../mirror/peer-mirror.js";
import type { JournalGroup } from "../model/journal-group.js";

/** A mirror that a catalog can be made from: the file of a node that does not run, or the mirror of one that does. */
export interface HistorySource {
  /** A data directory or a node's URL. */
  readonly name: string;
  readonly mirror: Pick<PeerMirror, "findGroupHash" | "head" | "listGroups">;
  /** What was split off this mirror and is joined nowhere yet. A node that runs joins its own. */
  listBranches(): Promise<readonly MirrorBranch[]>;
}

/** Groups of one transaction: enough that a disk's fsync does not count, few enough to hold in memory several times. */
const BATCH_GROUPS = 2000;
/** A batch crosses as one text on MySQL, where its bytes take twice as much; a packet there has 16 MiB. */
const BATCH_BYTES = 2 * 1024 * 1024;
/** One group may have a thousand entries, so that few are asked for at a time. */
const PAGE_GROUPS = 100;

/** The groups of a source behind a number, in batches that are worth a transaction each. */
export async function* readBatches(
  { mirror }: Pick<HistorySource, "mirror">,
  after: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly JournalGroup[]> {
  let batch: JournalGroup[] = [];
  let bytes = 0;
  for (let last = after; ; ) {
    const page = await mirror.listGroups(last, PAGE_GROUPS, signal);
    for (const group of page) {
      batch.push(group);
      bytes += group.bytes.length;
    }
    last = page.at(-1)?.last ?? last;
    if (batch.length > 0 && (page.length === 0 || batch.length >= BATCH_GROUPS || bytes >= BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    if (page.length === 0) return;
  }
}
