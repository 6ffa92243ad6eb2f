import type { Logger } from "../../runtime/logger.js";
import type { Catalog } from "../catalog.js";
import type { CommitWitness } from "../commit-witness.js";
import type { FaultPlan } from "./fault-plan.js";

/** One engine as the conformance suite meets it. */
export interface CatalogHarness {
  readonly engine: string;
  /** The engine itself takes the journal's lock from a holder that stands still. */
  readonly breaksFrozenLocks: boolean;
  /** Sessions are TCP connections, which somebody else can cut. */
  readonly isNetwork: boolean;
  createDatabase(): Promise<HarnessDatabase>;
}

export interface HarnessOpenOptions {
  /** What goes wrong in the sessions that commit, or that migrate. */
  readonly faults?: FaultPlan;
  readonly faultsIn?: "commit" | "prepare";
  readonly logger?: Logger;
  /** Another way to the same database. */
  readonly dsn?: string;
  /** How long a group is tried for, where the engine lets the test choose. */
  readonly deadlineMs?: number;
  /** Who is told of what is committed, and of a database that may lack some of it. */
  readonly witness?: CommitWitness;
}

/** A session in which a test says what it likes. */
export interface HarnessSession extends AsyncDisposable {
  run(sql: string): Promise<void>;
}

/** A database of one test; empty at first. */
export interface HarnessDatabase {
  readonly dsn: string;
  /** Opens the catalog as a node does. The test closes it. */
  open(options?: HarnessOpenOptions): Promise<Catalog>;
  /** One statement in a session of its own. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  openSession(): Promise<HarnessSession>;
  /** How many sessions stand still because another one has a lock. */
  countLockWaits(): Promise<number>;
  /** Ends every session that others have with this database, from the server's side. */
  cutSessions(): Promise<void>;
  drop(): Promise<void>;
}
