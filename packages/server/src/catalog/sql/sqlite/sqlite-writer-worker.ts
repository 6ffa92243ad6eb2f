import type { Change } from "../../../model/change.js";
import { formatOutcome } from "../../../model/change-outcome.js";
import type { KnownHistory } from "../../../model/commit-view.js";
import { systemClock } from "../../../runtime/clock.js";
import { serveThread } from "../../../runtime/thread/serve-thread.js";
import type { SqlWriter } from "../sql-writer.js";
import { openSqliteWriter } from "./open-sqlite-writer.js";
import { WRITER_METHODS, type WriterMethod, type WriterSettings } from "./writer-methods.js";

/**
 * The thread in which a SQLite catalog writes: SQLite waits for disks and locks without letting go of its thread, and
 * the main thread has requests to serve.
 */
await serveThread<WriterSettings>(async (settings, logger) => {
  const { clusterId, writer } = await openSqliteWriter({ ...settings, clock: systemClock, logger });
  return { greeting: clusterId, methods: { ...bindMethods(writer), commitGroup, close: () => writer.close() } };

  /** Outcomes hold dates and errors, which cross as plain values. */
  async function commitGroup(changes: readonly Change[], known: KnownHistory | undefined, release: () => void) {
    const { outcomes, group } = await writer.commitGroup(changes, release, known);
    return { outcomes: outcomes.map(formatOutcome), group };
  }
});

type Bound = Record<WriterMethod, (...parameters: never[]) => Promise<unknown>>;

function bindMethods(writer: SqlWriter): Bound {
  const bind = (method: WriterMethod) => {
    const call: (...values: never[]) => Promise<unknown> = writer[method];
    return [method, (...parameters: never[]) => Reflect.apply(call, writer, parameters)] as const;
  };
  return Object.fromEntries(WRITER_METHODS.map(bind)) as Bound;
}
