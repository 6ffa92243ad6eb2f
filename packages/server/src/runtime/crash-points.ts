import { readFileSync, writeSync } from "node:fs";
import { KoboldError } from "@koboldfs/protocol";

/**
 * Instants at which a process may die, named `part.instant`: each of them is tried in tests/src/crash-points.test.ts, by
 * the driver that stands there for its part; those of commands in tests/src/recovery-kills.test.ts. What an instant is
 * named after has just been done, or is about to be where the name says `before`.
 */
export const CRASH_POINTS = [
  // A blob on its way to a volume: the node's own of a put, a peer's, a repaired one.
  "blob.temp-write.before",
  "blob.temp-write.done",
  "blob.folder-made.before-fsync",
  "blob.fsync.before",
  "blob.rename.before",
  "blob.rename.done",
  "blob.folder-fsync.done",
  // A put, around its commit.
  "put.commit.before",
  "put.acknowledgement.before",
  "put.acknowledgement.done",
  // A group of changes under the journal's lock.
  "commit.locked",
  "commit.send.before",
  "commit.done",
  "commit.mirrors.before",
  "commit.mirrors.done",
  // A mirror's own transaction.
  "mirror.commit.before",
  "mirror.commit.done",
  // A debt that is paid, a journal that is walked.
  "repair.fetched",
  "repair.settled",
  "backfill.fetched",
  "backfill.moved",
  // A blob that goes.
  "reap.confirmed",
  "reap.unlinked",
  "purge.confirmed",
  "purge.unlinked",
  "purge.obeyed",
  // Bytes that are bad, or astray.
  "scrub.owed",
  "scrub.quarantined",
  "scrub.moved",
  // A resumable upload.
  "upload.piece.before-fsync",
  "upload.piece.fsynced",
  "upload.record.before-rename",
  "upload.record.renamed",
  "upload.record.done",
  "upload.naming.before",
  "upload.naming.done",
  "upload.settled",
  // A transaction that somebody ends, or nobody goes on with; on the way are those of its group (`commit`).
  "transaction.prepare.before",
  "transaction.prepare.done",
  "transaction.commit.before",
  "transaction.commit.done",
  "transaction.abort.before",
  "transaction.abort.done",
  "transaction.expire.before",
  "transaction.expire.done",
  // The schema of a catalog or a mirror.
  "migration.step.before",
  "migration.step.done",
  "migration.step.noted",
  // A catalog that lacks what the mirrors have.
  "complete.locked",
  "complete.done",
  // A catalog that is made from mirrors, or from another catalog; on the way are those of `complete`.
  "rebuild.target.marked",
  "rebuild.groups.written",
  "rebuild.journal.indexed",
  "rebuild.copies.checked",
  "rebuild.begun",
  "move.retired",
  "move.copied",
  "move.begun",
  // Two histories that are joined.
  "fork.split",
  "fork.rejoined",
  "fork.dropped",
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

/**
 * `PARENT:FILE`: if the process with the id PARENT started this one, it obeys FILE, which says `POINT:COUNT:SIGNAL`: at
 * the COUNTth time that it reaches POINT it sends itself SIGKILL, or SIGSTOP to stand still there. The file may be
 * written, changed and removed while the process runs.
 */
export const CRASH_POINT_VARIABLE = "KOBOLD_TEST_CRASH_POINT";

interface Orders {
  readonly path: string;
  /** What was read last, and how often its point may still be passed. */
  text: string;
  left: number;
}

// Of the process, as its environment is: each thread has it by itself, and nothing has to be handed through for it.
const orders = findOrders(process.env[CRASH_POINT_VARIABLE]);

/** Ends or stops the process when a test asked for it. Otherwise, and that is always but in tests, nothing. */
export function crashPoint(point: CrashPoint): void {
  if (orders !== undefined) reach(orders, point);
}

/** For a point that costs something to reach. */
export function mayCrash(): boolean {
  return orders !== undefined;
}

/**
 * Whether a test may end this process. Throws `config_invalid` when the variable is set and does not count: a node whose
 * environment carries it by mistake shall not begin to serve.
 */
export function checkCrashPointVariable(text = process.env[CRASH_POINT_VARIABLE]): boolean {
  if (text === undefined) return false;
  if (findOrders(text) !== undefined) return true;
  throw new KoboldError(
    "config_invalid",
    `${CRASH_POINT_VARIABLE} is for tests, which start nodes themselves: unset it`,
  );
}

/**
 * The id of the parent is what makes it safe: a variable that was left in a unit file, a container or a profile names a
 * process that is gone.
 */
function findOrders(variable = ""): Orders | undefined {
  const [, parent, path] = /^([1-9]\d*):(.+)$/.exec(variable) ?? [];
  return path !== undefined && Number(parent) === process.ppid ? { path, text: "", left: 0 } : undefined;
}

function reach(known: Orders, point: CrashPoint): void {
  const text = readOrder(known.path);
  const [name, count, signal] = text.split(":");
  if (text !== known.text) Object.assign(known, { text, left: Number(count) });
  if (name !== point) return;
  known.left -= 1;
  if (known.left > 0) return;
  writeSync(2, `crash point ${point}\n`);
  process.kill(process.pid, signal === "SIGSTOP" ? signal : "SIGKILL");
}

/** Empty while there is none. */
function readOrder(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
