import { KoboldError } from "@koboldfs/protocol";
import type { Expiry } from "../model/change.js";
import { parsePastPoint } from "./past-query.js";

/** A hundred years of seconds: beyond it one means never. */
const MAX_SECONDS = 100 * 366 * 86_400;

/** `Koboldfs-Expires`: after how many seconds, at which RFC 3339 time, or `never`. Throws `invalid_request`. */
export function parseExpires(header: string | string[] | undefined): Expiry | undefined {
  if (header === undefined) return undefined;
  const text = String(header).trim();
  if (text === "never") return text;
  if (/^\d{1,10}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_SECONDS)
    return { afterMs: Number(text) * 1000 };
  const point = /^\d+$/.test(text) ? undefined : parsePastPoint(text);
  if (point !== undefined && "timeMs" in point) return { atMs: point.timeMs };
  throw new KoboldError(
    "invalid_request",
    `Koboldfs-Expires is neither 1 to ${MAX_SECONDS} seconds, nor a time, nor never`,
  );
}
