import { DummyDriver, Kysely, type DialectAdapter, type QueryCompiler, type RawBuilder } from "kysely";
import type { CatalogTables } from "./schema.js";
import type { SqlConnection, SqlStatement } from "./sql-connection.js";

/** Everything in which engines differ. What is not here is the same on all of them. */
export interface SqlDialect {
  readonly capabilities: SqlCapabilities;
  /** Column types for the migrations. */
  readonly types: SqlColumnTypes;
  /** The catalog's clock, milliseconds since 1970. Read anew in each statement, not once per transaction. */
  readonly nowMs: RawBuilder<number>;
  /** Opens a transaction with its isolation named; then come the statements, then `COMMIT` or `ROLLBACK`. */
  readonly begin: readonly SqlStatement[];
  createAdapter(): DialectAdapter;
  createQueryCompiler(): QueryCompiler;
  classify(error: unknown): SqlFailure;
  /** Runs `action` while no other opener runs its own. */
  withMigrationLock(connection: SqlConnection, action: () => Promise<void>): Promise<void>;
  /** What is wrong with the engine's settings, one sentence each: with any of them it can lose an acknowledged commit. */
  findDurabilityProblems(connection: SqlConnection): Promise<string[]>;
}

export interface SqlCapabilities {
  /** How "insert, or else update" is said. */
  readonly upsert: "on-conflict" | "on-duplicate-key";
  /** `CREATE INDEX IF NOT EXISTS` is understood; else `classify` answers `exists` for one that is there. */
  readonly createIndexIfNotExists: boolean;
  /** A table of random digests is filled several times faster before it has its index; and making one may take minutes. */
  readonly indexesBlobsLate: boolean;
  /** The engine itself takes the lock from a holder that stands still. */
  readonly breaksFrozenLocks: boolean;
  /** Appended to CREATE TABLE. */
  readonly tableSuffix?: RawBuilder<unknown>;
}

export interface SqlColumnTypes {
  readonly integer: RawBuilder<unknown>;
  /** At most 255 bytes, compared bytewise, can be a key. */
  readonly shortText: RawBuilder<unknown>;
  /** At most 1,024 bytes, compared bytewise, can be a key. */
  readonly keyText: RawBuilder<unknown>;
  /** Of any length, never compared. */
  readonly longText: RawBuilder<unknown>;
  /** 32 bytes, can be a key. */
  readonly digest: RawBuilder<unknown>;
  readonly bytes: RawBuilder<unknown>;
}

/**
 * - `contended`: a deadlock, a serialization failure, a lock that could not be had in time: an ordinary retry.
 * - `disconnected`: the session is gone, was never there, or is not to be trusted any more.
 * - `exhausted`: the engine has no room left. Another try soon would fail the same way.
 * - `exists`: what should be created is there already.
 * - `refused`: the statement itself is at fault: another try would fail the same way.
 */
export type SqlFailure = "contended" | "disconnected" | "exhausted" | "exists" | "refused";

export type CatalogKysely = Kysely<CatalogTables>;

/** Builds and compiles queries; never runs them: that is `SqlConnection`'s part. */
export function createQueryBuilder(dialect: SqlDialect): CatalogKysely {
  return new Kysely<CatalogTables>({
    dialect: {
      createAdapter: () => dialect.createAdapter(),
      createDriver: () => new DummyDriver(),
      createQueryCompiler: () => dialect.createQueryCompiler(),
      createIntrospector: () => {
        throw new Error("the catalog's schema is known by its migrations, not by looking at it");
      },
    },
  });
}
