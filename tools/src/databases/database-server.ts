import type { Skip } from "../machine/skip.js";

export type DatabaseEngine = "postgres" | "mariadb";

/** A private database server for tests: real, durable by its defaults, small, and gone after `stop`. */
export interface DatabaseServer {
  readonly engine: DatabaseEngine;
  /** The administrator's URL of the server: `postgres://USER:PASSWORD@127.0.0.1:PORT/postgres` or `mysql://…/mysql`. */
  readonly url: string;
  /** Ends the process and removes everything it wrote. Idempotent. */
  stop(): Promise<void>;
}

export type DatabaseServerOrSkip = DatabaseServer | Skip;
