import type { NamespaceClient } from "@koboldfs/client";
import { type FileInfo, KoboldError } from "@koboldfs/protocol";
import { printable } from "../output/printable.js";
import type { FileSelection, ManyFiles, OneFile } from "./file-selection.js";

/** Counting ends here: whoever asks wants to know how bad it would be, and that is enough to tell. */
const COUNT_LIMIT = 10_000;

/** The files of a selection in the byte order of their keys. Throws `not_found` for one file that is not there. */
export async function* selectFiles(
  client: NamespaceClient,
  selection: FileSelection,
  signal: AbortSignal,
): AsyncGenerator<FileInfo> {
  if (selection.kind === "one") yield await getFile(client, selection, signal);
  else yield* listMatching(client, selection, signal);
}

async function* listMatching(
  client: NamespaceClient,
  selection: ManyFiles,
  signal: AbortSignal,
): AsyncGenerator<FileInfo> {
  for await (const file of client.list({ prefix: selection.prefix, signal, ...selection.past })) {
    if (selection.matches(file.key)) yield file;
  }
}

/** What the key names. Throws `not_found`. */
export async function getFile(
  client: NamespaceClient,
  { key, past }: Pick<OneFile, "key" | "past">,
  signal: AbortSignal,
): Promise<FileInfo> {
  const info = await client.stat(key, { signal, ...past });
  if (info === undefined) throw noSuchFile(client.namespace, key);
  return info;
}

export interface FileCount {
  readonly files: number;
  readonly bytes: number;
  /** There are more. */
  readonly isLeast: boolean;
}

/** How many files a selection has, up to a limit. */
export async function countFiles(
  client: NamespaceClient,
  selection: ManyFiles,
  signal: AbortSignal,
): Promise<FileCount> {
  let files = 0;
  let bytes = 0;
  for await (const file of listMatching(client, selection, signal)) {
    if (files === COUNT_LIMIT) return { files, bytes, isLeast: true };
    files += 1;
    bytes += file.size;
  }
  return { files, bytes, isLeast: false };
}

export function noSuchFile(namespace: string, key: string): KoboldError {
  return new KoboldError("not_found", `there is no file ${printable(`${namespace}/${key}`)}`);
}

/** A pattern or folder that no key matches. */
export function nothingSelected(selection: ManyFiles): KoboldError {
  return new KoboldError("not_found", `nothing matches ${printable(selection.text)}`);
}
