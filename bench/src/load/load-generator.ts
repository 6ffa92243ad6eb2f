/** What is to be asked of a subject, again and again, for a while. */
export interface Load {
  readonly operation: "put" | "get";
  readonly sizeBytes: number;
  /** Requests under way at any moment, each on a kept connection. */
  readonly concurrency: number;
  readonly seconds: number;
  /** Where requests go in: the same folder on one server or on several that share the load. Each ends in a slash. */
  readonly folderUrls: readonly string[];
  /** Keys are this prefix and a number of eight digits; a put never repeats one, a get walks over `1..keyCount`. */
  readonly keyPrefix: string;
  /** Gets only: how many files there are. */
  readonly keyCount: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Broken connections, timeouts and answers that were not 2xx, in words; empty when all was well. */
  readonly errors: readonly string[];
  /** The share of one core that the generator itself took: near 1 it measures itself and not the subject. */
  readonly generatorLoad: number;
}

export interface LoadGenerator {
  readonly name: string;
  run(load: Load): Promise<LoadResult>;
}

/** Each server's share of the puts has numbers of its own: the nth of the lane (from 0) is `lane * LANE_NUMBERS + n`. */
export const LANE_NUMBERS = 10_000_000;

/** How many servers a load goes to. */
export function lanesOf({ folderUrls, concurrency }: Load): number {
  return Math.min(folderUrls.length, concurrency);
}

/** The key of the `number`th file, as every generator and every check writes it. */
export function keyOf(load: { keyPrefix: string }, number: number): string {
  return `${load.keyPrefix}${String(number).padStart(8, "0")}`;
}

/** The body of the `number`th put: its own key first, so that no two bodies are equal. */
export function bodyOf(load: { keyPrefix: string; sizeBytes: number }, number: number): Buffer {
  return Buffer.alloc(load.sizeBytes, keyOf(load, number).padEnd(load.sizeBytes, "."));
}
