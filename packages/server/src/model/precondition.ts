import { type Digest, isDigest } from "@koboldfs/protocol";
import type { Precondition } from "./change.js";

/** One entity tag of RFC 9110 section 8.8.3. Ours are digests; a tag that is none of ours matches no file. */
export interface EntityTag {
  readonly weak: boolean;
  readonly value: string;
}

const ENTITY_TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/** Reads an If-Match or If-None-Match header; undefined when it is malformed. */
export function parseEntityTags(header: string): "*" | readonly EntityTag[] | undefined {
  if (header.trim() === "*") return "*";
  // No tag of ours holds a comma; one that does is read as two that match nothing, or as malformed.
  const matches = header.split(",").map((part) => ENTITY_TAG.exec(part.trim()));
  const tags = matches.flatMap((match) => (match === null ? [] : [{ weak: match[1] !== undefined, value: match[2] ?? "" }]));
  return tags.length === matches.length ? tags : undefined;
}

/** What strong comparison may match: weak tags never do (RFC 9110 section 8.8.3.2). */
export function strongDigests(tags: "*" | readonly EntityTag[]): "*" | Digest[] {
  return tags === "*" ? tags : digestsOf(tags.filter((tag) => !tag.weak));
}

/** What weak comparison may match: the mark does not count. */
export function weakDigests(tags: "*" | readonly EntityTag[]): "*" | Digest[] {
  return tags === "*" ? tags : digestsOf(tags);
}

function digestsOf(tags: readonly EntityTag[]): Digest[] {
  return tags.map((tag) => tag.value).filter(isDigest);
}

/** Whether a file with this digest, or its absence, is in the demanded state (RFC 9110 section 13.1). */
export function preconditionHolds(precondition: Precondition | undefined, digest: Digest | undefined): boolean {
  const { ifMatch, ifNoneMatch } = precondition ?? {};
  if (ifMatch !== undefined && !names(ifMatch, digest)) return false;
  return ifNoneMatch === undefined || !names(ifNoneMatch, digest);
}

function names(wanted: "*" | readonly Digest[], digest: Digest | undefined): boolean {
  if (digest === undefined) return false;
  return wanted === "*" || wanted.includes(digest);
}
