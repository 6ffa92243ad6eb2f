import { type ErrorCode, KoboldError } from "@koboldfs/protocol";
import type { Run } from "../connection.js";
import { reportFailure } from "../failure-report.js";
import { Interrupt } from "../interrupt.js";
import { TaskPool } from "../sync/task-pool.js";
import { UsageError } from "../usage-error.js";

/** Files under way at once when nobody says how many: enough to keep three nodes busy, few enough to watch. */
export const DEFAULT_JOBS = 8;

/** Failures that would be those of every other file too. */
const CODES_OF_ALL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "server_unreachable",
  "deadline_exceeded",
  "unauthorized",
  "forbidden",
  "namespace_not_found",
  "invalid_response",
]);
/** What the system says when there is no room at all. */
const ERRNOS_OF_ALL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/**
 * Does the same with many, so many at once. One that fails is told on standard error and counts in the exit code; the
 * others go on, unless the failure would be theirs too.
 */
export async function runMany<T>(
  run: Run,
  { items, jobs }: { readonly items: Iterable<T> | AsyncIterable<T>; readonly jobs: number },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const { signal } = run.context;
  const pool = new TaskPool(jobs);
  try {
    for await (const item of items) {
      signal.throwIfAborted();
      await pool.add(() => workOnOne(run, () => work(item)));
    }
    await pool.finish();
  } finally {
    await pool.settle();
  }
}

async function workOnOne(run: Run, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (failure) {
    run.context.signal.throwIfAborted();
    if (isOfAll(failure)) throw failure;
    tellFailure(run, failure);
  }
}

/** Tells a failure after which the run goes on. */
export function tellFailure(run: Run, failure: unknown): void {
  const report = reportFailure(failure, run.output.json);
  run.output.complain(report.line);
  run.context.exitWith(report.exitCode);
}

function isOfAll(failure: unknown): boolean {
  if (failure instanceof Interrupt || failure instanceof UsageError) return true;
  if (!(failure instanceof KoboldError)) return true;
  const errno = (failure.cause as NodeJS.ErrnoException | undefined)?.code;
  return CODES_OF_ALL.has(failure.code) || (errno !== undefined && ERRNOS_OF_ALL.has(errno));
}
