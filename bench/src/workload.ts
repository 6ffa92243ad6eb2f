/** One line of work that every able subject does in turn. Add one by adding it to `WORKLOADS`. */
export interface Workload {
  /** Operation, size, concurrency: `put-64k-c16`. */
  readonly name: string;
  readonly operation: "put" | "get";
  readonly sizeBytes: number;
  readonly concurrency: number;
  /** Gets only: how many files are put first and then read in a circle. All of them fit in the page cache. */
  readonly keyCount: number;
}

const SIZES = [
  { label: "4k", sizeBytes: 4 * 1024, keyCount: 2000 },
  { label: "64k", sizeBytes: 64 * 1024, keyCount: 1000 },
  { label: "1m", sizeBytes: 1024 * 1024, keyCount: 100 },
] as const;
const CONCURRENCIES = [1, 16] as const;

/**
 * Puts first, small ones before large ones: ext4 walks over recently deleted inodes at each create, so nothing is
 * deleted before the last put was measured.
 */
export const WORKLOADS: readonly Workload[] = (["put", "get"] as const).flatMap((operation) =>
  SIZES.flatMap(({ label, sizeBytes, keyCount }) =>
    CONCURRENCIES.map((concurrency) => ({
      name: `${operation}-${label}-c${concurrency}`,
      operation,
      sizeBytes,
      concurrency,
      keyCount: operation === "get" ? keyCount : 0,
    })),
  ),
);
