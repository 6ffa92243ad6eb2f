import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { blobPath, checkWithSha256sum } from "./harness/blobs-on-disk.js";
import { NAMESPACE } from "./harness/cluster.js";
import { mustGet, mustPut, sha256 } from "./harness/raw-files.js";
import { useCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

/** Small blobs are checked before they are sent, large ones while they are. */
const SIZES: readonly [string, number][] = [
  ["a small file", 1_000],
  ["a large file", 32 * 1024 * 1024],
];

describe("when a node's disk", () => {
  const cluster = useCluster({ nodes: 2, engine: "sqlite" });

  it.each(SIZES)("has lost %s, a read there gets it from the peer, and it is put back", async (name, sizeBytes) => {
    const [a, b] = [cluster().node("a"), cluster().node("b")];
    const { digest } = await mustPut(a.url, `lost/${name}`, Buffer.alloc(sizeBytes, `lost ${name}`));
    await cluster().waitUntilSettled();
    rmSync(blobPath(b.data[0] as string, NAMESPACE, digest));
    expect(sha256(await mustGet(b.url, `lost/${name}`))).toBe(digest);
    await waitUntil("the blob is back", () => checkWithSha256sum(b, NAMESPACE, [digest]).then(() => true));
  });

  it.each(SIZES)("has bad bytes of %s, a read there gets good ones, and they are repaired", async (name, sizeBytes) => {
    const [a, b] = [cluster().node("a"), cluster().node("b")];
    const { digest } = await mustPut(a.url, `rotten/${name}`, Buffer.alloc(sizeBytes, `rotten ${name}`));
    await cluster().waitUntilSettled();
    const path = blobPath(b.data[0] as string, NAMESPACE, digest);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect(sha256(await mustGet(b.url, `rotten/${name}`))).toBe(digest);
    await waitUntil("the blob is good again", () => checkWithSha256sum(b, NAMESPACE, [digest]).then(() => true));
  });
});
