import type { ByteRange } from "@koboldfs/client";
import type { Run } from "../connection.js";
import type { OneFile } from "../files/file-selection.js";
import { noSuchFile } from "../files/select-files.js";
import { TransferBoard } from "../output/transfer-board.js";
import { TRANSFER_DEADLINE_MS } from "./transfer-deadline.js";

/** Writes one file to standard output, byte for byte. Throws `not_found`. */
export async function readToOutput(
  run: Run,
  { namespace, key, past }: OneFile,
  range: ByteRange | undefined,
): Promise<void> {
  const { signal, stdout, stderr } = run.context;
  const client = run.connect(namespace, { deadlineMs: TRANSFER_DEADLINE_MS });
  // Where the file itself appears on the terminal, a bar would stand in its middle.
  const board = stdout.isTTY === true ? undefined : new TransferBoard(run, { files: 1 });
  try {
    const asks = board !== undefined && stderr.isTTY === true && range === undefined;
    const transfer = board?.begin(key, asks ? (await client.stat(key, { signal, ...past }))?.size : undefined);
    const onProgress = (bytes: number) => transfer?.update(bytes);
    const options = { signal, onProgress, ...past, ...(range !== undefined && { range }) };
    const found = await client.get(key, stdout, options);
    if (!found) throw noSuchFile(namespace, key);
  } finally {
    board?.stop();
  }
}
