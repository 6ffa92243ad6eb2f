import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { UsageError } from "../usage-error.js";

/** Where downloads go. */
export interface DownloadTarget {
  /** The folder that takes several files; undefined when the target is the name of one file. */
  readonly folder?: string;
  /** The path of one file, which a folder takes under the last part of its key. Throws a UsageError. */
  pathOf(key: string): string;
}

/** What the target means: a folder where there is one, or where several files need one; else a file. */
export async function chooseTarget(target: string, { isOne }: { readonly isOne: boolean }): Promise<DownloadTarget> {
  const stats = await stat(target).catch(() => undefined);
  if (stats?.isDirectory() === true) return intoFolder(target);
  const isNamedFolder = /[/\\]$/.test(target);
  if (isOne && !isNamedFolder) return { pathOf: () => target };
  if (stats !== undefined) throw new UsageError(`several files need a folder, and ${JSON.stringify(target)} is none`);
  try {
    await mkdir(target, { recursive: true });
  } catch (cause) {
    const message = `cannot make the folder ${JSON.stringify(target)}: ${(cause as Error).message}`;
    throw new KoboldError("target_unwritable", message, { cause });
  }
  return intoFolder(target);
}

function intoFolder(folder: string): DownloadTarget {
  return { folder, pathOf: (key) => join(folder, fileNameOf(key)) };
}

function fileNameOf(key: string): string {
  const name = basename(key);
  if (name === "" || name === "." || name === ".." || key.endsWith("/")) {
    throw new UsageError(`the key ${JSON.stringify(key)} ends in no file name; say which file to write`);
  }
  return name;
}
