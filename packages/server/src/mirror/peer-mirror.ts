import type { JournalGroup } from "../model/journal-group.js";
import type { MirrorHead } from "./mirror.js";

/** The mirror of another node. All reject with `peer_failed` when the node does not answer as it should. */
export interface PeerMirror {
  /**
   * Gives the node groups in the order of their numbers; resolves with how far its mirror is when they are durable
   * there. Rejects with `mirror_behind` when it lacks what comes before, `history_forked` when it has another history.
   */
  append(groups: readonly JournalGroup[], signal?: AbortSignal): Promise<MirrorHead>;
  head(signal?: AbortSignal): Promise<MirrorHead>;
  /** Whole groups whose last number is above `after`, in order, at most `limit`; fewer when they are large. */
  listGroups(after: number, limit: number, signal?: AbortSignal): Promise<JournalGroup[]>;
  findGroupHash(number: number, signal?: AbortSignal): Promise<string | undefined>;
}
