/** A pass that somebody ordered. */
export interface OrderedPass {
  /** Shards that were proven before this second of the wall clock are due. */
  readonly second: number;
  /** Whether what is found is mended, and not only told. */
  readonly repairs: boolean;
}

/** How much of what the volumes in service hold was proven lately. */
export interface CoverageSummary {
  /** Folder shards, each volume's counted by itself. */
  readonly shards: number;
  /** Those that were proven at or after the second that was asked about. */
  readonly proven: number;
  /** The second at which the one that was proven longest ago was; 0 while some never were. */
  readonly oldestSecond: number;
}

/**
 * When each folder shard of each volume was last read and found as it should be, in seconds of the wall clock. Local, and
 * kept over restarts; what is lost of it is proven once more.
 */
export interface ScrubCoverage {
  readonly ordered: OrderedPass | undefined;
  order(pass: OrderedPass): void;
  /** The first shard from `from` on that some volume in service proved before `second`, or never; else undefined. */
  findDue(from: number, second: number): number | undefined;
  /** These shards of these volumes were proven. */
  prove(volumes: readonly string[], stretch: { from: number; to: number; second: number }): void;
  summarize(second: number): CoverageSummary;
  /** Makes durable what changed. Throws `disk_failed`. */
  save(): Promise<void>;
}
