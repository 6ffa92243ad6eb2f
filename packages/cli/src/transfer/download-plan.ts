import { dirname } from "node:path";
import type { ByteRange, PastOptions } from "@koboldfs/client";
import { KoboldError } from "@koboldfs/protocol";
import type { Run } from "../connection.js";
import type { FileSelection, ManyFiles } from "../files/file-selection.js";
import { noSuchFile, nothingSelected, selectFiles } from "../files/select-files.js";
import { printable } from "../output/printable.js";
import type { TransferBoard } from "../output/transfer-board.js";
import { FolderClashFinder, findPathProblem } from "../sync/safe-path.js";
import { TargetFolders } from "../sync/target-folders.js";
import { UsageError } from "../usage-error.js";
import type { DownloadTarget } from "./download-target.js";
import { tellFailure } from "./run-many.js";
import { TRANSFER_DEADLINE_MS } from "./transfer-deadline.js";

/** One file and the path that it will have here. */
export interface Download {
  readonly namespace: string;
  readonly key: string;
  readonly past?: PastOptions | undefined;
  readonly path: string;
  readonly sizeBytes?: number;
}

/** The downloads of several selections into a folder, one after the other. What cannot be one is told. */
export async function* planDownloads(
  run: Run,
  selections: readonly FileSelection[],
  target: DownloadTarget,
): AsyncGenerator<Download> {
  const named = new Set<string>();
  for (const selection of selections) {
    if (selection.kind === "many") {
      yield* planMany(run, selection, target.folder ?? ".");
      continue;
    }
    const { namespace, key, past } = selection;
    const path = target.pathOf(key);
    if (named.has(path)) throw new UsageError(`two of the files would be ${JSON.stringify(path)}`);
    named.add(path);
    yield { namespace, key, past, path };
  }
}

async function* planMany(run: Run, selection: ManyFiles, folder: string): AsyncGenerator<Download> {
  const { namespace, past } = selection;
  const folders = new TargetFolders(folder, false);
  const clashes = new FolderClashFinder();
  let found = false;
  for await (const { key, size } of selectFiles(run.connect(namespace), selection, run.context.signal)) {
    found = true;
    const name = key.slice(selection.folder.length);
    const problem = findPathProblem(name) ?? describeClash(clashes.find(name)) ?? folders.open(dirname(name));
    if (problem === undefined) yield { namespace, key, past, path: `${folder}/${name}`, sizeBytes: size };
    else tellFailure(run, new KoboldError("unsafe_key", `${printable(`${namespace}/${key}`)}: ${problem}`));
  }
  if (!found) tellFailure(run, nothingSelected(selection));
}

function describeClash(clash: string | undefined): string | undefined {
  return clash === undefined ? undefined : `${JSON.stringify(clash)} is a file, so it cannot be a folder`;
}

export interface DownloadOptions {
  readonly range?: ByteRange | undefined;
  readonly jobs: number;
}

/** Fetches one file into its place and answers how many bytes came. Throws `not_found`. */
export async function downloadFile(
  run: Run,
  board: TransferBoard,
  { namespace, key, past, path, sizeBytes, range, jobs }: Download & DownloadOptions,
): Promise<number> {
  const { signal, stderr } = run.context;
  const client = run.connect(namespace, { deadlineMs: TRANSFER_DEADLINE_MS, maxInFlight: jobs + 1 });
  // The size is only for the bar, so it is asked for only where there can be one.
  const asks = sizeBytes === undefined && range === undefined && stderr.isTTY === true;
  const transfer = board.begin(key, asks ? (await client.stat(key, { signal, ...past }))?.size : sizeBytes);
  let received = 0;
  let found = false;
  try {
    const onProgress = (bytes: number) => {
      received = bytes;
      transfer.update(bytes);
    };
    const options = { signal, onProgress, ...past, ...(range !== undefined && { range }) };
    found = await client.get(key, path, options);
    if (!found) throw noSuchFile(namespace, key);
    return received;
  } finally {
    transfer.end(found);
  }
}
