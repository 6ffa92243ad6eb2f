/** What nodes say of their own work and disks, in JSON. */

/** How a node keeps what it holds. */
export interface NodeUpkeep {
  repair: RepairInfo;
  volumes: VolumeInfo[];
  scrub: ScrubInfo;
}

/**
 * What the scrub finds. `under-replicated`: a debt says so. `missing`: the catalog says that the node has it. `corrupt`:
 * other bytes than the name says, or none to be read. `orphaned`: nothing refers to it; the reaper takes it. `misplaced`:
 * in another folder than its name says.
 */
export type ScrubFindingName = "under-replicated" | "missing" | "corrupt" | "orphaned" | "misplaced";

export type ScrubFindings = Record<ScrubFindingName, number>;

/** How far a node's copies were read again and found good; known by the node alone, from its own disks. */
export interface ScrubInfo {
  /** Share of the folder shards of its volumes that were proven within the days that it is set to, 0-1. */
  proven: number;
  /** Since when every copy was proven at least once; absent while some never were. */
  provenSince?: string;
  /** Since the process started, by whatever pass. */
  findings: ScrubFindings;
  /** The pass that somebody ordered last, while it runs and after it; absent after a restart when it was done before. */
  pass?: ScrubPassInfo;
}

/** A pass over everything that a node holds, as it was ordered. */
export interface ScrubPassInfo {
  state: "running" | "done";
  /** Whether what it finds is mended, and not only told. */
  repairs: boolean;
  started: string;
  ended?: string;
  /** 0-1. */
  progress: number;
  /** What was read. After a restart in its midst: since then. */
  files: number;
  bytes: number;
  /** Copies that were put aside, moved to their place or unlinked beside a good one. */
  mended: number;
  findings: ScrubFindings;
  /** The first fifty of them. */
  listed: ScrubFindingInfo[];
}

export interface ScrubFindingInfo {
  finding: ScrubFindingName;
  namespace: string;
  digest: string;
  /** Where it lies; absent when it does not. */
  path?: string;
}

/** The body of `POST /v1/scrub`. */
export interface ScrubRequest {
  /** Only this node; every node that answers without it. */
  node?: string;
  /** False: tell what is found and change nothing. */
  repairs: boolean;
}

/** What each node says of its scrub; one that does not answer says nothing. */
export interface ScrubReply {
  nodes: { node: string; scrub?: ScrubInfo }[];
}

/** Debts that a node paid, over the last minute. */
export interface RepairInfo {
  filesPerSecond: number;
  bytesPerSecond: number;
}

/** `good`; `full`: takes no new blobs; `out`: neither read nor written, its blobs are fetched again onto the others. */
export type VolumeState = "good" | "full" | "out";

/** One data directory of a node. */
export interface VolumeInfo {
  id: string;
  path: string;
  state: VolumeState;
  /** Bytes that it still takes. */
  freeBytes: number;
  totalBytes: number;
  /** Why it is out, and what to do; both absent otherwise. */
  reason?: string;
  hint?: string;
}
