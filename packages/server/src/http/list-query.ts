import { KoboldError } from "@koboldfs/protocol";
import type { ListQuery } from "../catalog/catalog.js";
import type { Consistency } from "../files/catalog-reads.js";
import type { PastPoint } from "../files/file-history.js";
import { parseConsistency, parsePastPoint } from "./past-query.js";
import { readQuery } from "./read-query.js";

/** A page that fills a screen or feeds a loop; with the longest keys and metadata it stays below 10 MB. */
const MAX_LIMIT = 1000;
const NAMES = ["prefix", "delimiter", "after", "limit", "as-of", "deleted", "consistency"];

/** A listing of the files now, as of a moment, or of the keys that can be undeleted. */
export interface ParsedListing extends ListQuery {
  readonly asOf?: PastPoint;
  readonly isOfDeleted?: true;
  readonly consistency?: Consistency;
}

/** The query of a listing, form-encoded: `+` is a space. Throws `invalid_request`. */
export function parseListQuery(query: string): ParsedListing {
  const values = readQuery(query, NAMES);
  const { prefix, delimiter, after } = Object.fromEntries(values) as Record<string, string | undefined>;
  const [asOf, isOfDeleted] = [values.get("as-of"), values.has("deleted")];
  if (isOfDeleted && (delimiter !== undefined || asOf !== undefined))
    throw invalid("deleted takes prefix, after and limit");
  const consistency = values.get("consistency");
  if (consistency !== undefined && (isOfDeleted || asOf !== undefined))
    throw invalid("consistency is about the files as they are now");
  return {
    ...(isOfDeleted && { isOfDeleted }),
    ...(consistency !== undefined && { consistency: parseConsistency(consistency) }),
    // A time's `+` was read as a space.
    ...(asOf !== undefined && { asOf: parsePastPoint(asOf.replaceAll(" ", "+")) }),
    ...(prefix && { prefix }),
    ...(delimiter && { delimiter }),
    ...(after && { after }),
    limit: parseLimit(values.get("limit")),
  };
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return MAX_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw invalid(`limit is not a number from 1 to ${MAX_LIMIT}`);
}

function invalid(message: string): KoboldError {
  return new KoboldError("invalid_request", message);
}
