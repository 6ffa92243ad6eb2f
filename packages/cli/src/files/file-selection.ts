import type { PastOptions } from "@koboldfs/client";
import { parseFileKey } from "@koboldfs/protocol";
import { parsePrefixAddress } from "../file-address.js";
import { UsageError } from "../usage-error.js";
import { KeyPattern } from "./key-pattern.js";

/** Files that an argument of a command means. */
export type FileSelection = OneFile | ManyFiles;

export interface OneFile {
  readonly kind: "one";
  readonly namespace: string;
  readonly key: string;
  /** Which state of it; absent: what it is now. */
  readonly past?: PastOptions;
}

export interface ManyFiles {
  readonly kind: "many";
  readonly namespace: string;
  /** As it was written, for messages. */
  readonly text: string;
  /** Every key of the selection begins so: this is what is listed. */
  readonly prefix: string;
  /** What the keys lose when they are put elsewhere: the part up to the last slash before the first wildcard. */
  readonly folder: string;
  /** As of when; absent: now. */
  readonly past?: PastOptions;
  matches(key: string): boolean;
}

export interface SelectionOptions {
  /** The text is a folder: every key below it is meant. */
  readonly recursive?: boolean;
  /** `*`, `?` and `[` in keys mean themselves. */
  readonly literal?: boolean;
  readonly past?: PastOptions;
}

/** Reads `NAMESPACE/KEY`, where the key may be a pattern; with `recursive`, `NAMESPACE[/FOLDER]`. */
export function parseFileSelection(text: string, options: SelectionOptions = {}): FileSelection {
  const { namespace, key } = parsePrefixAddress(text);
  if (options.recursive === true) return selectFolder(namespace, key, text);
  if (key === "") throw new UsageError(`a file is NAMESPACE/KEY: ${JSON.stringify(text)} has no key`);
  const pattern = options.literal === true ? undefined : KeyPattern.parse(key);
  const past = options.past === undefined ? {} : { past: options.past };
  if (pattern === undefined) return { kind: "one", namespace, key: parseFileKey(key), ...past };
  if (pattern.literal !== undefined) return { kind: "one", namespace, key: parseFileKey(pattern.literal), ...past };
  if (options.past?.version !== undefined) throw new UsageError("--version is about one file, and not about a pattern");
  const { prefix } = pattern;
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  return { kind: "many", namespace, text, prefix, folder, ...past, matches: (candidate) => pattern.matches(candidate) };
}

/** `photos` and `photos/` both mean what is below `photos/`; nothing behind the namespace means all of it. */
function selectFolder(namespace: string, key: string, text: string): ManyFiles {
  const folder = key === "" || key.endsWith("/") ? key : `${key}/`;
  return { kind: "many", namespace, text, prefix: folder, folder, matches: () => true };
}
