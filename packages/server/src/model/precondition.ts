import { type Digest, isDigest } from "@koboldfs/protocol";
import type { Precondition } from "./change.js";

/** One entity tag of RFC 9110 section 8.8.3. Ours are digests; a tag that is none of ours matches no file. */
export interface EntityTag {
  readonly weak: boolean;
  readonly value: string;
}

/** One tag of the list with what separates it from the one before; a tag may hold commas, and lists empty elements. */
const NEXT_TAG = /[\t ,]*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[\t ]*(?=,|$)/y;
const LIST_END = /^[\t ,]*$/;

/** Reads an If-Match or If-None-Match header; undefined when it is malformed. */
export function parseEntityTags(header: string): "*" | readonly EntityTag[] | undefined {
  if (header.trim() === "*") return "*";
  const next = new RegExp(NEXT_TAG);
  const tags: EntityTag[] = [];
  let end = 0;
  for (let match = next.exec(header); match !== null; match = next.exec(header)) {
    tags.push({ weak: match[1] !== undefined, value: match[2] ?? "" });
    end = next.lastIndex;
  }
  return tags.length > 0 && LIST_END.test(header.slice(end)) ? tags : undefined;
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
