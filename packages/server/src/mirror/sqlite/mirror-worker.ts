import { KoboldError } from "@koboldfs/protocol";
import { toBuffer } from "../../catalog/sql/column-values.js";
import type { JournalGroup } from "../../model/journal-group.js";
import type { JournalPoint } from "../../model/journal-history.js";
import { systemClock } from "../../runtime/clock.js";
import { serveThread } from "../../runtime/thread/serve-thread.js";
import { MirrorFile } from "./mirror-file.js";

export interface MirrorSettings {
  readonly path: string;
  readonly clusterId: string;
}

/** The thread in which a mirror is written; see catalog/sql/sqlite/sqlite-writer-worker.ts for why there is one. */
await serveThread<MirrorSettings>(async ({ path, clusterId }) => {
  const file = await opened(() => MirrorFile.open(path, clusterId, systemClock));
  // One after the other: each is a transaction of its own in the one session.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = turn.then(() => coded(work));
    turn = result.catch(() => undefined);
    return result;
  };
  return {
    greeting: file.head,
    methods: {
      append: (groups: readonly JournalGroup[]) => inTurn(() => file.append(groups.map(wholeGroup))),
      setEpoch: (epoch: number) => inTurn(() => file.setEpoch(epoch)),
      splitOff: (fork: JournalPoint) => inTurn(() => file.splitOff(fork)),
      dropBranch: (fork: JournalPoint) => inTurn(() => file.dropBranch(fork)),
      close: () => inTurn(() => file.close()),
    },
  };
});

/** Bytes lose their class on the way from another thread. */
function wholeGroup(group: JournalGroup): JournalGroup {
  return { ...group, bytes: toBuffer(group.bytes) };
}

async function opened<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof KoboldError) throw cause;
    throw new KoboldError("mirror_refused", `the mirror cannot be opened: ${textOf(cause)}`, { cause });
  }
}

/** Whatever SQLite refuses here is the disk's or the file's fault: the statements are always the same. */
async function coded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof KoboldError) throw cause;
    throw new KoboldError("disk_failed", `the mirror cannot be written: ${textOf(cause)}`, { cause });
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
