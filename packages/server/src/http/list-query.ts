import { KoboldError } from "@koboldfs/protocol";
import type { ListQuery } from "../catalog/catalog.js";
import type { PastPoint } from "../files/file-history.js";
import { parsePastPoint } from "./past-query.js";
import { readQuery } from "./read-query.js";

/** A page that fills a screen or feeds a loop; with the longest keys and metadata it stays below 10 MB. */
const MAX_LIMIT = 1000;
const NAMES = ["prefix", "delimiter", "after", "limit", "as-of", "deleted"];

/** A listing of the files now, as of a moment, or of the keys that can be undeleted. */
export interface ParsedListing extends ListQuery {
  readonly asOf?: PastPoint;
  readonly isOfDeleted?: true;
}

/** The query of a listing, form-encoded: `+` is a space. Throws `invalid_request`. */
export function parseListQuery(query: string): ParsedListing {
  const values = readQuery(query, NAMES);
  const { prefix, delimiter, after } = Object.fromEntries(values) as Record<string, string | undefined>;
  const [asOf, isOfDeleted] = [values.get("as-of"), values.has("deleted")];
  if (isOfDeleted && (delimiter !== undefined || asOf !== undefined))
    throw invalid("deleted takes prefix, after and limit");
  return {
    ...(isOfDeleted && { isOfDeleted }),
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
