import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkWithSha256sum } from "./harness/blobs-on-disk.js";
import { NAMESPACE } from "./harness/cluster.js";
import { mustRun } from "./harness/run-program.js";
import { withCluster } from "./harness/use-cluster.js";
import type { LargeFileReport } from "./programs/large-file.js";

const PROGRAM = fileURLToPath(new URL("programs/large-file.js", import.meta.url));
const MIB = 1024 * 1024;
/** The size that the first issue demands: larger than 32 bits, and than any memory a node may use. */
const SIZE_BYTES = 5 * 1024 * MIB;
const MAX_MEMORY_BYTES = 200 * MIB;
/** Half a minute on a machine of one's own; minutes where others use the disk too. */
const TIMEOUT_MS = 900_000;

describe("a file of 5 GiB", () => {
  it(
    "goes in through one node and out through the other with less than 200 MiB of memory in every process",
    async () => {
      await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
        const [a, b] = [cluster.node("a"), cluster.node("b")];
        const output = await mustRun(PROGRAM, [a.url, b.url, NAMESPACE, "large", String(SIZE_BYTES)]);
        const report = JSON.parse(output) as LargeFileReport;
        expect(report).toMatchObject({
          putDigest: report.sentDigest,
          receivedDigest: report.sentDigest,
          receivedBytes: SIZE_BYTES,
          copies: 2,
        });
        const peaks = { client: report.peakMemoryBytes, a: a.peakMemoryBytes(), b: b.peakMemoryBytes() };
        console.log(
          `peak memory in MiB: ${JSON.stringify(peaks, (_, value) => (value > MIB ? Math.round(value / MIB) : value))}`,
        );
        for (const [name, peak] of Object.entries(peaks)) expect(peak, name).toBeLessThan(MAX_MEMORY_BYTES);
        await checkWithSha256sum(b, NAMESPACE, [report.sentDigest]);
      });
    },
    TIMEOUT_MS,
  );
});
