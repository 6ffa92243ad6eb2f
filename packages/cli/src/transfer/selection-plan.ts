import type { Run } from "../connection.js";
import type { FileSelection } from "../files/file-selection.js";
import { countFiles } from "../files/select-files.js";
import type { TransferPlan } from "../output/transfer-board.js";

/**
 * How much the selections are, for a board that can be seen: only then is the listing worth reading twice. Bytes of files
 * that were named are found out when their turn comes.
 */
export async function planSelections(run: Run, selections: readonly FileSelection[]): Promise<TransferPlan> {
  if (selections.every(({ kind }) => kind === "one")) return { files: selections.length };
  if (run.context.stderr.isTTY !== true) return {};
  let files = 0;
  let bytes: number | undefined = 0;
  for (const selection of selections) {
    if (selection.kind === "one") {
      files += 1;
      bytes = undefined;
      continue;
    }
    const count = await countFiles(run.connect(selection.namespace), selection, run.context.signal);
    if (count.isLeast) return {};
    files += count.files;
    bytes = bytes === undefined ? undefined : bytes + count.bytes;
  }
  return { files, bytes };
}
