import { randomBytes } from "node:crypto";
import type { ErrorCode } from "@koboldfs/protocol";
import { expect, it } from "vitest";
import type { BlobWriteOptions } from "../blob-store.js";
import { codeOf, NAMESPACE, opened, put, readAll, refOf, type TestedStore, whatIsLeft } from "./test-blobs.js";

/** Bytes that are not what was announced. */
export function describeAnnouncements(get: () => TestedStore): void {
  const bytes = randomBytes(150_000);
  const ref = refOf(NAMESPACE, bytes);
  const refusals: [string, BlobWriteOptions, ErrorCode][] = [
    ["fewer bytes than announced", { sizeBytes: bytes.length + 1 }, "body_too_short"],
    ["more bytes than announced", { sizeBytes: bytes.length - 1 }, "body_too_long"],
    ["bytes where none were announced", { sizeBytes: 0 }, "body_too_long"],
    ["other bytes than announced", { digest: refOf(NAMESPACE, randomBytes(5)).digest }, "digest_mismatch"],
  ];
  it.each(refusals)("refuses %s, and nothing is left", async (_name, announced, code) => {
    expect(await codeOf(put(get().store, bytes, announced))).toBe(code);
    expect(await whatIsLeft(get(), ref)).toEqual([]);
  });

  it("keeps the blob that is there when an announcement for the same bytes is broken", async () => {
    await put(get().store, bytes);
    expect(await codeOf(put(get().store, bytes, { sizeBytes: bytes.length + 1 }))).toBe("body_too_short");
    expect((await readAll(await opened(get().store, ref))).equals(bytes)).toBe(true);
  });

  it("takes bytes that are what was announced", async () => {
    const placed = await put(get().store, bytes, { sizeBytes: bytes.length, digest: ref.digest });
    expect(placed).toEqual({ digest: ref.digest, sizeBytes: bytes.length });
  });
}
