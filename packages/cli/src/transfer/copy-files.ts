import type { FileSelection } from "../files/file-selection.js";
import { printable } from "../output/printable.js";
import { TransferBoard } from "../output/transfer-board.js";
import { copyAcross } from "./copy-across.js";
import { copyInside } from "./copy-inside.js";
import type { CopyRun } from "./copy-run.js";
import { CopyPlanner, type PlannedCopy } from "./plan-copies.js";
import { planSelections } from "./selection-plan.js";

/** Copies or moves files, inside a namespace and across. */
export async function copyFiles(asked: Omit<CopyRun, "tell">, selections: readonly FileSelection[]): Promise<void> {
  const planner = new CopyPlanner(asked.run, asked.target, selections);
  const copyRun: CopyRun = {
    ...asked,
    tell: (copy, version) => {
      planner.noteVersion(version);
      return tellCopy(asked, copy, version);
    },
  };
  const across = selections.filter(({ namespace }) => namespace !== asked.target.namespace);
  const board = new TransferBoard(asked.run, await planSelections(asked.run, across));
  try {
    for (const selection of selections) {
      const copies = planner.plan(selection);
      if (selection.namespace === asked.target.namespace) await copyInside(copyRun, copies);
      else await copyAcross(copyRun, board, copies);
    }
  } finally {
    board.stop();
  }
}

function tellCopy({ run, target, moves }: Omit<CopyRun, "tell">, copy: PlannedCopy, version: number): Promise<void> {
  const { namespace, key, toKey } = copy;
  const from = printable(`${namespace}/${key}`);
  const to = printable(`${target.namespace}/${toKey}`);
  const document = { namespace, key, toNamespace: target.namespace, toKey, version, moved: moves };
  return run.output.result(document, `${moves ? "moved" : "copied"} ${from} to ${to}`);
}
