import { KoboldError } from "@koboldfs/protocol";
import { decodePercent } from "../model/percent-encoding.js";

/** The parameters of a form-encoded query (`+` is a space), each at most once. Throws `invalid_request`. */
export function readQuery(query: string, names: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const [name = "", ...rest] = pair.split("=");
    if (!names.includes(name))
      throw invalid(`unknown parameter ${JSON.stringify(name)}; known are ${names.join(", ")}`);
    if (values.has(name)) throw invalid(`${name} is given twice`);
    values.set(name, decode(name, rest.join("=")));
  }
  return values;
}

function decode(name: string, encoded: string): string {
  const value = decodePercent(encoded.replaceAll("+", " "));
  if (value === undefined || value.includes("\0")) throw invalid(`${name} is not percent-encoded UTF-8 without NUL`);
  return value;
}

function invalid(message: string): KoboldError {
  return new KoboldError("invalid_request", message);
}
