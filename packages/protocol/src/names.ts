import { KoboldError } from "./error.js";

/** A namespace's name: 1-63 of `a-z 0-9 . _ -`, beginning and ending with a letter or digit, without `..`. */
export type NamespaceName = string & { readonly __brand: "NamespaceName" };

/** A file's name in its namespace: 1-1,024 bytes of UTF-8 without NUL, opaque, compared bytewise. */
export type FileKey = string & { readonly __brand: "FileKey" };

/** A node's identity, made once and kept on each of its volumes: 16 hex digits. */
export type NodeId = string & { readonly __brand: "NodeId" };

/** A node's name as its operator wrote it; same syntax as a namespace's. */
export type NodeName = string & { readonly __brand: "NodeName" };

export const MAX_KEY_BYTES = 1024;

/** Namespace names become folder names: this pattern is what keeps a namespace inside the blob folder. */
const NAME_PATTERN = /^(?!.*\.\.)[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;
/** A lone surrogate cannot be written as UTF-8; `toWellFormed` would silently turn it into another key. */
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

const encoder = new TextEncoder();

/** Throws `invalid_namespace`. */
export function parseNamespaceName(text: string): NamespaceName {
  if (!NAME_PATTERN.test(text)) throw new KoboldError("invalid_namespace", `not a namespace name: ${quote(text)}`);
  return text as NamespaceName;
}

/** Throws `invalid_node_name`. */
export function parseNodeName(text: string): NodeName {
  if (!NAME_PATTERN.test(text)) throw new KoboldError("invalid_node_name", `not a node name: ${quote(text)}`);
  return text as NodeName;
}

/** Throws `invalid_key` for a key that is empty, longer than 1,024 bytes, holds NUL or cannot be written as UTF-8. */
export function parseFileKey(text: string): FileKey {
  if (text.length === 0) throw new KoboldError("invalid_key", "the key is empty");
  if (text.includes("\0")) throw new KoboldError("invalid_key", "the key holds a NUL");
  if (LONE_SURROGATE.test(text)) throw new KoboldError("invalid_key", "the key is not valid Unicode");
  const sizeBytes = encoder.encode(text).length;
  if (sizeBytes > MAX_KEY_BYTES) {
    throw new KoboldError("invalid_key", `the key has ${sizeBytes} bytes; at most ${MAX_KEY_BYTES} are allowed`);
  }
  return text as FileKey;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
