/**
 * `mixed` is four gets of files that were put before for each put of a new one; `delete` takes away files that were put just
 * before the measurement.
 */
export type Operation = "put" | "get" | "mixed" | "delete";

/** One line of work that every able subject does in turn. Add one by adding it to `WORKLOADS`. */
export interface Workload {
  /** Operation, size, concurrency: `put-64k-c16`. */
  readonly name: string;
  readonly operation: Operation;
  readonly sizeBytes: number;
  readonly concurrency: number;
  /** How many files are put first, to be read in a circle or deleted. All of them fit in the page cache. 0 for puts. */
  readonly keyCount: number;
}

const SIZES = [
  { label: "4k", sizeBytes: 4 * 1024, keyCount: 2000, concurrencies: [1, 16, 64] },
  { label: "64k", sizeBytes: 64 * 1024, keyCount: 1000, concurrencies: [1, 16] },
  { label: "1m", sizeBytes: 1024 * 1024, keyCount: 100, concurrencies: [1, 16] },
] as const;

/**
 * Whatever puts comes first, small files before large ones, and deletes come last: ext4 walks over recently deleted inodes
 * at each create, so nothing is deleted before the last put was measured.
 */
export const WORKLOADS: readonly Workload[] = [
  ...forEachSize("put"),
  { name: "mixed-64k-c16", operation: "mixed", sizeBytes: 64 * 1024, concurrency: 16, keyCount: 1000 },
  ...forEachSize("get"),
  { name: "delete-4k-c16", operation: "delete", sizeBytes: 4 * 1024, concurrency: 16, keyCount: 2000 },
];

/** Whether the load makes files under keys of its own. */
export function puts({ operation }: Pick<Workload, "operation">): boolean {
  return operation === "put" || operation === "mixed";
}

function forEachSize(operation: "put" | "get"): Workload[] {
  return SIZES.flatMap(({ label, sizeBytes, keyCount, concurrencies }) =>
    concurrencies.map((concurrency) => ({
      name: `${operation}-${label}-c${concurrency}`,
      operation,
      sizeBytes,
      concurrency,
      keyCount: operation === "get" ? keyCount : 0,
    })),
  );
}
