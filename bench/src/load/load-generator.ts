import type { Operation } from "../workload.js";

/** What is to be asked of a subject, again and again, for a while. */
export interface Load {
  readonly operation: Operation;
  readonly sizeBytes: number;
  /** Requests under way at any moment, each on a kept connection. */
  readonly concurrency: number;
  /** A load of deletes may end before: when its files are gone. */
  readonly seconds: number;
  /** Where requests go in: the same folder on one server or on several that share the load. Each ends in a slash. */
  readonly folderUrls: readonly string[];
  /** Files that were put before have this prefix and a number of eight digits, `1..keyCount`. */
  readonly keyPrefix: string;
  readonly keyCount: number;
  /** New files have this prefix and a number that is never repeated. */
  readonly putPrefix: string;
  /** Where the files that were put before are read, when not under their keys: the nth path is of number n + 1. */
  readonly readPaths?: readonly string[];
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

/** Of a mixed load, one request in so many puts. */
export const MIXED_GETS_AND_PUT = 5;

/** How many servers a load goes to. */
export function lanesOf({ folderUrls, concurrency }: Load): number {
  return Math.min(folderUrls.length, concurrency);
}

/** The key of the `number`th file, as every generator and every check writes it. */
export function keyOf(prefix: string, number: number): string {
  return `${prefix}${String(number).padStart(8, "0")}`;
}

/** The body of the file with this key: the key itself first, so that no two bodies are equal. */
export function bodyOf(key: string, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, key.padEnd(sizeBytes, "."));
}
