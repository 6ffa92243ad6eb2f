import type { Clock } from "../../runtime/clock.js";
import type { Logger } from "../../runtime/logger.js";
import type { CommitWitness } from "../commit-witness.js";

export interface SqlCatalogOptions {
  /** `sqlite:PATH`, `postgres://…` (or `postgresql://`), `mysql://…` (or `mariadb://`). */
  readonly dsn: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Take a database that is set so that it can lose commits. */
  readonly allowUnsafe?: boolean;
  /** The id that a catalog gets that is made now; by default it is a new cluster's. */
  readonly clusterId?: string;
  /** Who must know of commits before they are answered. */
  readonly witness?: CommitWitness;
}
