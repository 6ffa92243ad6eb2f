import type { ScrubFindingInfo, ScrubFindings, ScrubPassInfo } from "@koboldfs/protocol";
import { shardOf } from "../model/folder-shard.js";
import type { ScrubFinding } from "../model/scrub-decision.js";

/** Findings that are told one by one; the others are counted. */
const MAX_LISTED = 50;

/** What a pass has come to so far. */
export class ScrubReport {
  readonly findings: ScrubFindings = noFindings();
  readonly #listed: ScrubFindingInfo[] = [];
  /** Folder shards that are not as they should be. */
  readonly #badShards = new Set<number>();
  #files = 0;
  #bytes = 0;
  /** Copies that were moved out of the way, to where they belong, or unlinked beside a good one. */
  #mended = 0;

  read(bytes: number): void {
    this.#files += 1;
    this.#bytes += bytes;
  }

  found(finding: ScrubFinding, where: Omit<ScrubFindingInfo, "finding">): void {
    this.findings[finding] += 1;
    if (finding !== "orphaned") this.#badShards.add(shardOf(where.digest));
    if (this.#listed.length < MAX_LISTED) this.#listed.push({ finding, ...where });
  }

  /** What a pass that mends nothing leaves to be proven. */
  listBadShards(): number[] {
    return [...this.#badShards];
  }

  mended(): void {
    this.#mended += 1;
  }

  describe(): Pick<ScrubPassInfo, "files" | "bytes" | "mended" | "findings" | "listed"> {
    const { findings } = this;
    return {
      files: this.#files,
      bytes: this.#bytes,
      mended: this.#mended,
      findings: { ...findings },
      listed: [...this.#listed],
    };
  }
}

export function noFindings(): ScrubFindings {
  return { "under-replicated": 0, missing: 0, corrupt: 0, orphaned: 0, misplaced: 0 };
}
