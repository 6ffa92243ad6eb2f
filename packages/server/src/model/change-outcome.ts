import { type Digest, type ErrorCode, KoboldError, type NodeId } from "@koboldfs/protocol";
import type { ChangeDone, ChangeOutcome } from "./change.js";
import type { TransactionRow } from "./transaction.js";

/** An outcome as plain JSON values: how it is recorded in `commits` and how it crosses to another thread. */
export type PlainOutcome =
  | {
      readonly version: number;
      readonly modifiedMs: number;
      readonly copies: number;
      readonly holders: number;
      readonly owing: readonly string[];
      readonly replayed?: true;
      readonly digest?: string;
      readonly sizeBytes?: number;
      readonly counts?: { readonly restored: number; readonly removed: number };
      readonly steps?: number;
      readonly transaction?: TransactionRow;
    }
  | { readonly code: ErrorCode; readonly message: string };

export function formatOutcome(outcome: ChangeOutcome): PlainOutcome {
  if (!outcome.ok) return { code: outcome.error.code, message: outcome.error.message };
  const { version, copies, holders, owing, content, counts, steps, transaction } = outcome;
  return {
    ...{ version, modifiedMs: outcome.modified.getTime(), copies, holders, owing },
    ...(outcome.replayed ? { replayed: true } : {}),
    ...(content === undefined ? {} : { digest: content.digest, sizeBytes: content.sizeBytes }),
    ...(counts === undefined ? {} : { counts }),
    ...(steps === undefined ? {} : { steps }),
    ...(transaction === undefined ? {} : { transaction }),
  };
}

export function parseOutcome(plain: PlainOutcome): ChangeOutcome {
  if ("code" in plain) return { ok: false, error: new KoboldError(plain.code, plain.message) };
  const { version, modifiedMs, copies, holders, digest, sizeBytes, counts, steps, transaction } = plain;
  const done: ChangeDone = {
    ...{ ok: true, version, modified: new Date(modifiedMs), copies, holders },
    owing: plain.owing as readonly NodeId[],
    replayed: plain.replayed === true,
    ...(counts === undefined ? {} : { counts }),
    ...(steps === undefined ? {} : { steps }),
    ...(transaction === undefined ? {} : { transaction }),
  };
  if (digest === undefined || sizeBytes === undefined) return done;
  return { ...done, content: { digest: digest as Digest, sizeBytes } };
}
