/** Half-open: bytes `start` up to and without `end`. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

export type RangePlan =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly span: ByteSpan }
  | { readonly kind: "unsatisfiable" };

const WHOLE: RangePlan = { kind: "whole" };
const UNSATISFIABLE: RangePlan = { kind: "unsatisfiable" };
const SINGLE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/**
 * What a Range header asks of `sizeBytes` bytes (RFC 9110 section 14). One range, or one suffix, is served as asked;
 * everything else that a server may ignore (several ranges, other units, what cannot be parsed) means the whole file.
 */
export function parseRange(header: string | undefined, sizeBytes: number): RangePlan {
  if (header === undefined) return WHOLE;
  const match = SINGLE_RANGE.exec(header);
  if (match === null) return WHOLE;
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? WHOLE : planSuffix(Number(last), sizeBytes);
  const start = Number(first);
  const end = last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (last !== "" && Number(last) < start) return WHOLE;
  return start < sizeBytes ? { kind: "part", span: { start, end } } : UNSATISFIABLE;
}

function planSuffix(lengthBytes: number, sizeBytes: number): RangePlan {
  if (lengthBytes === 0 || sizeBytes === 0) return UNSATISFIABLE;
  return { kind: "part", span: { start: Math.max(0, sizeBytes - lengthBytes), end: sizeBytes } };
}
