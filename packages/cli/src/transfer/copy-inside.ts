import type { BatchOperation, BatchResult } from "@koboldfs/client";
import { isErrorCode, KoboldError } from "@koboldfs/protocol";
import type { CopyRun } from "./copy-run.js";
import type { PlannedCopy } from "./plan-copies.js";
import { tellFailure } from "./run-many.js";
import { printable } from "../output/printable.js";

/** Operations of one commit; the server takes no more. */
const MAX_BATCH = 1_000;

/** Copies or renames inside a namespace, many in each commit. No bytes move. */
export async function copyInside(copyRun: CopyRun, copies: AsyncIterable<PlannedCopy>): Promise<void> {
  let batch: PlannedCopy[] = [];
  for await (const copy of copies) {
    if (batch.push(copy) < MAX_BATCH) continue;
    await runBatch(copyRun, batch);
    batch = [];
  }
  await runBatch(copyRun, batch);
}

async function runBatch(copyRun: CopyRun, batch: readonly PlannedCopy[]): Promise<void> {
  const { run, target, moves, clobber } = copyRun;
  const client = run.connect(target.namespace);
  const operations = batch.map(
    ({ key, toKey, info }): BatchOperation => ({
      op: moves ? "rename" : "copy",
      from: key,
      to: toKey,
      // What was listed may have been overwritten since; then it is not what the pattern was meant for.
      ...(info !== undefined && { ifMatch: info.digest }),
      ...(!clobber && { ifNoneMatch: "*" as const }),
    }),
  );
  const results = await client.batch(operations, { signal: run.context.signal });
  for (const [index, copy] of batch.entries()) await settle(copyRun, copy, results[index]);
}

async function settle(copyRun: CopyRun, copy: PlannedCopy, result: BatchResult | undefined): Promise<void> {
  if (result?.ok === true) return copyRun.tell(copy, result.version);
  const code = result?.error.code ?? "";
  const from = printable(`${copy.namespace}/${copy.key}`);
  const known = isErrorCode(code) ? code : "invalid_response";
  const detail = result?.error.detail ?? "the server said nothing of it";
  tellFailure(copyRun.run, new KoboldError(known, `${from}: ${detail}`));
}
