import { parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import { UsageError } from "./usage-error.js";

export interface FileAddress {
  readonly namespace: string;
  readonly key: string;
}

/** Reads `NAMESPACE/KEY`: everything behind the first slash is the key, as it stands. */
export function parseFileAddress(text: string): FileAddress {
  const { namespace, key } = parsePrefixAddress(text);
  if (key === "") throw new UsageError(`a file is NAMESPACE/KEY: ${JSON.stringify(text)} has no key`);
  return { namespace, key: parseFileKey(key) };
}

/** Reads `NAMESPACE[/PREFIX]`; without a prefix the key is empty. */
export function parsePrefixAddress(text: string): FileAddress {
  const slash = text.indexOf("/");
  const namespace = slash === -1 ? text : text.slice(0, slash);
  if (/^(\.{0,2}|~)$/.test(namespace)) {
    throw new UsageError(
      `${JSON.stringify(text)} is a local path; NAMESPACE/KEY is wanted here`,
      "'koboldfs put' and 'koboldfs get' move files between this machine and a namespace.",
    );
  }
  return { namespace: parseNamespaceName(namespace), key: slash === -1 ? "" : text.slice(slash + 1) };
}
