import type { Load, LoadGenerator } from "../load/load-generator.js";
import type { Operation, Workload } from "../workload.js";

/** What a subject needs to start. */
export interface SubjectContext {
  /** The subject's own folder, empty, on the disk that is measured. It is removed after the run. */
  readonly folder: string;
  /** Where the nodes shall leave CPU profiles; undefined when nobody asked for them. */
  readonly profileFolder?: string;
}

/** A server, or several that work together, that can be put under load. Add one by adding it to `SUBJECTS`. */
export interface Subject {
  /** Short, for `--subject` and the JSON. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** True for those that run only when they are named. */
  readonly optional?: boolean;
  /**
   * Seconds of an operation before its first measurement that counts, for a server whose code is compiled while it runs: the
   * CPU for a put falls to half of its first value within a minute of them. The usual warm-up where it says nothing.
   */
  readonly firstSeconds?: { readonly [operation in Operation]?: number };
  /** The name of the subject it is compared with in this workload; undefined when it sits the workload out. */
  yardstickFor(workload: Workload): string | undefined;
  start(context: SubjectContext): Promise<RunningSubject>;
}

export interface RunningSubject {
  /** Where its data lie. */
  readonly folder: string;
  /** Every process of it, children left out: they are found. */
  readonly processes: readonly number[];
  /** Where clients put and get files; those of a cluster spread over its nodes. Each ends in a slash. */
  readonly folderUrls: readonly string[];
  /** The same folder as each machine that must have a copy shows it: a put is real when all of them give it back. */
  readonly copyUrls: readonly string[];
  /** Who puts the load on it, when that is what is measured; undefined for the generator of the run. */
  readonly generator?: LoadGenerator;
  /** Where the files that were put before are read, when not under their keys: paths in the order of their numbers. */
  readPaths?(load: Load): Promise<readonly string[]>;
  /** Ends its processes and waits for them. */
  stop(): Promise<void>;
}
