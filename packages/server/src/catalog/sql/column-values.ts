import type { SqlInteger, SqlText } from "./schema.js";

/** The drivers give VARBINARY as bytes, BIGINT as text or bigint, and so on: here every value gets one shape. */
export function toText(value: SqlText): string {
  return typeof value === "string" ? value : toBuffer(value).toString("utf8");
}

/** Refuses, rather than rounds, what a JavaScript number cannot hold. */
export function toInteger(value: SqlInteger): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new RangeError(`the catalog holds ${value} where a safe integer was expected`);
  return number;
}

export function toBigInt(value: SqlInteger): bigint {
  return BigInt(value);
}

export function toBuffer(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function toHex(value: Uint8Array): string {
  return toBuffer(value).toString("hex");
}

export function fromHex(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}
