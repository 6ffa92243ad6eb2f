import type { Digest } from "@koboldfs/protocol";
import { type EntityTag, parseEntityTags, strongDigests, weakDigests } from "./precondition.js";

export interface ReadConditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
}

export type ReadVerdict = "send" | "not_modified" | "precondition_failed" | "malformed";

export interface Validators {
  readonly digest: Digest;
  readonly modified: Date;
}

/** What a conditional GET or HEAD gets, in the order of RFC 9110 section 13.2.2. */
export function decideRead(conditions: ReadConditions, file: Validators): ReadVerdict {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (ifMatch !== undefined) {
    const tags = parseEntityTags(ifMatch);
    if (tags === undefined) return "malformed";
    if (!names(strongDigests(tags), file.digest)) return "precondition_failed";
  } else if (ifUnmodifiedSince !== undefined && isNewer(file.modified, ifUnmodifiedSince)) {
    return "precondition_failed";
  }
  if (ifNoneMatch !== undefined) return decideNoneMatch(parseEntityTags(ifNoneMatch), file.digest);
  if (ifModifiedSince !== undefined && isNewer(file.modified, ifModifiedSince) === false) return "not_modified";
  return "send";
}

/**
 * Whether a Range header counts (RFC 9110 section 13.1.5). A date never makes it count: two versions of one second
 * have the same Last-Modified, and the parts of two versions make no file.
 */
export function ifRangeHolds(header: string | undefined, digest: Digest): boolean {
  return header === undefined || header.trim() === `"${digest}"`;
}

function decideNoneMatch(tags: "*" | readonly EntityTag[] | undefined, digest: Digest): ReadVerdict {
  if (tags === undefined) return "malformed";
  return names(weakDigests(tags), digest) ? "not_modified" : "send";
}

function names(wanted: "*" | readonly Digest[], digest: Digest): boolean {
  return wanted === "*" || wanted.includes(digest);
}

/** Undefined when the date cannot be read: such a condition is ignored (RFC 9110 section 13.1.3). */
function isNewer(modified: Date, httpDate: string): boolean | undefined {
  const since = httpDate.endsWith("GMT") ? Date.parse(httpDate) : Number.NaN;
  if (Number.isNaN(since)) return undefined;
  return Math.floor(modified.getTime() / 1000) > Math.floor(since / 1000);
}
