import type { ChangeOutcome } from "../model/change.js";
import type { KnownHistory } from "../model/commit-view.js";
import type { JournalGroup } from "../model/journal-group.js";

/** What a commit of several changes came to. */
export interface CommittedGroup {
  /** In the order of the changes. */
  readonly outcomes: readonly ChangeOutcome[];
  /** What it added to the journal; undefined when every change was refused or answered before. */
  readonly group: JournalGroup | undefined;
}

/** Who must know of a group before anybody is told of it, asked around each commit; without one, they are answered at once. */
export interface CommitWitness {
  /** What the catalog must have under the lock, or nothing may be committed to it. */
  known(): KnownHistory | undefined;
  /** Called when the database may lack something of it: a session that was just opened does, or another host took over. */
  noteDoubt?(): void;
  /**
   * Resolves when enough others have the journal up to `number`, or cannot have it soon; answers how many nodes have.
   * `group`, when given, is the newest of it. Never rejects: the commit has happened.
   */
  confirm(number: number, group: JournalGroup | undefined): Promise<number>;
}
