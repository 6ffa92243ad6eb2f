import { KoboldError } from "@koboldfs/protocol";
import type { NamespaceClient } from "@koboldfs/client";
import { getFile, noSuchFile } from "../files/select-files.js";
import { printable } from "../output/printable.js";
import type { TransferBoard } from "../output/transfer-board.js";
import type { CopyRun } from "./copy-run.js";
import type { PlannedCopy } from "./plan-copies.js";
import { runMany } from "./run-many.js";
import { TRANSFER_DEADLINE_MS } from "./transfer-deadline.js";

/** Copies from one namespace to another: the bytes go through this machine, checked on their way in and out. */
export async function copyAcross(
  copyRun: CopyRun,
  board: TransferBoard,
  copies: AsyncIterable<PlannedCopy>,
): Promise<void> {
  const { run, jobs } = copyRun;
  await runMany(run, { items: copies, jobs }, (copy) => copyOne(copyRun, board, copy));
}

async function copyOne(copyRun: CopyRun, board: TransferBoard, copy: PlannedCopy): Promise<void> {
  const { run, target, moves, clobber, jobs } = copyRun;
  const { signal } = run.context;
  // Each copy reads and writes at the same time, over the connections of both namespaces.
  const limits = { deadlineMs: TRANSFER_DEADLINE_MS, maxInFlight: 2 * jobs + 1 };
  const source = run.connect(copy.namespace, limits);
  const info = copy.info ?? (await getFile(source, copy, signal));
  const transfer = board.begin(copy.key, info.size);
  let succeeded = false;
  try {
    const reply = await run.connect(target.namespace, limits).put(copy.toKey, () => readFile(source, info, signal), {
      signal,
      digest: info.digest,
      contentType: info.contentType,
      metadata: info.metadata,
      onProgress: (bytes) => transfer.update(bytes),
      ...(!clobber && { ifNoneMatch: "*" }),
    });
    if (moves) await removeSource(source, info, signal);
    succeeded = true;
    await copyRun.tell(copy, reply.version);
  } finally {
    transfer.end(succeeded);
  }
}

/** Reads the content that was announced, and no other. */
async function* readFile(
  source: NamespaceClient,
  { key, digest }: { readonly key: string; readonly digest: string },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const opened = await source.open(key, { signal });
  if (opened === undefined) throw noSuchFile(source.namespace, key);
  if (opened.info.digest !== digest) {
    opened.discard();
    throw new KoboldError("source_changed", `${printable(`${source.namespace}/${key}`)} changed while it was copied`);
  }
  yield* opened.body;
}

/** Only what was copied goes: a file that was overwritten meanwhile stays. */
async function removeSource(
  source: NamespaceClient,
  { key, digest }: { readonly key: string; readonly digest: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    await source.delete(key, { ifMatch: digest, signal });
  } catch (failure) {
    if (!(failure instanceof KoboldError) || failure.code !== "precondition_failed") throw failure;
    const name = printable(`${source.namespace}/${key}`);
    throw new KoboldError("source_changed", `${name} was copied, and stays because it changed meanwhile`, {
      cause: failure,
    });
  }
}
