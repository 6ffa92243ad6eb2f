/** Whose SQL the decisions are written in. MariaDB is `mysql`. */
export type SqlDialect = "postgres" | "mysql" | "sqlite";

export type SqlValue = string | number;
export type SqlRow = Readonly<Record<string, unknown>>;

/**
 * The application's own database, as coupled transactions need it. Write one for any driver or library that has
 * transactions: everything else, decisions included, is done over their `query`.
 */
export interface DatabaseAdapter<Sql> {
  readonly dialect: SqlDialect;
  /** Told once why a power cut may take back what this database committed. Default: `console.warn`. */
  readonly onWarning?: (sentence: string) => void;
  /**
   * Begins a transaction at the *primary*, on a connection that is nobody else's until it has ended. Waits while none is
   * free. One to `read` must not wait for writers, where the database can tell them apart.
   */
  begin(purpose: "read" | "write"): Promise<DatabaseTransaction<Sql>>;
}

/** What every adapter here is made with besides the driver. */
export type AdapterOptions = Pick<DatabaseAdapter<unknown>, "onWarning">;

/** A transaction of the application's database. It is ended once; afterwards its connection is somebody else's. */
export interface DatabaseTransaction<Sql> {
  /** What the application's work gets: the driver's or library's own. What it does there is in the transaction. */
  readonly sql: Sql;
  /**
   * One statement; placeholders are `$1` and so on in PostgreSQL, else `?`, in the order of the values. Answers its rows, and
   * rejects when the statement failed or its outcome is not known. It must come to an end, also when the connection breaks.
   */
  query(text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Whatever it throws, the outcome is not known. */
  commit(): Promise<void>;
  /** May fail when the connection is gone: then the database rolls it back. */
  rollback(): Promise<void>;
}
