import type { Run } from "../connection.js";
import type { CopyTarget } from "./copy-target.js";
import type { PlannedCopy } from "./plan-copies.js";

/** What a run of `cp` or `mv` works with. */
export interface CopyRun {
  readonly run: Run;
  readonly target: CopyTarget;
  /** The source goes. */
  readonly moves: boolean;
  /** A file at the target may be replaced. */
  readonly clobber: boolean;
  readonly jobs: number;
  /** One file has its new name, in this version. */
  tell(copy: PlannedCopy, version: number): Promise<void>;
}
