import { TransactionFace } from "../transactions/transaction-face.js";
import type { Session } from "../session/session.js";
import type { DatabaseAdapter } from "./database-adapter.js";
import { Decisions } from "./decisions.js";

/** A read waits for no more: without an answer it gets what is current. */
const FIND_MS = 1_000;
const FINISH_MS = 5_000;

/**
 * What becomes of a prepared transaction that a read met, when its decision has fallen already: finishes it, and answers
 * whether it was committed, so that what was read is old. `session` must not be the one whose operation waits for this.
 */
export function createHeldReads(adapter: DatabaseAdapter<unknown>, session: Session): (id: string) => Promise<boolean> {
  const decisions = new Decisions(adapter);
  const face = new TransactionFace(session);
  return async (id) => {
    try {
      if (!id.startsWith(`${await decisions.readCoordinator()}-`)) return false;
      const decision = await decisions.find(id, FIND_MS);
      if (decision !== undefined) await face.finish(id, decision, { deadlineMs: FINISH_MS });
      return decision === "commit";
    } catch {
      // Nobody can read the rows either while the database is away, and a cluster that cannot commit has nothing newer to show.
      return false;
    }
  };
}
