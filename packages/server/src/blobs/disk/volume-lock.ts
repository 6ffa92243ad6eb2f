import { join } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import type Database from "libsql";
import { openSqliteFile, SQLITE, sqliteCodeOf } from "../../runtime/sqlite-file.js";

export const LOCK_FILE = "lock.sqlite";

/** Keeps a data directory to one process. */
export interface VolumeLock {
  /** Idempotent. */
  release(): void;
}

/**
 * Takes the directory's lock or throws `volume_in_use`; the kernel frees it when the process dies, however it dies.
 *
 * Node has no flock, but SQLite takes POSIX locks on its file: an exclusive transaction that is never ended is a lock.
 * The database stays empty, nothing is ever written to it.
 */
export function lockVolume(directory: string): VolumeLock {
  let database: Database.Database | undefined;
  try {
    database = openSqliteFile(join(directory, LOCK_FILE), { timeout: 0 });
    // No journal file beside it: there is nothing to roll back.
    database.exec("pragma journal_mode = memory");
    database.exec("begin exclusive");
  } catch (error) {
    database?.close();
    if (sqliteCodeOf(error) === SQLITE.BUSY)
      throw new KoboldError("volume_in_use", `${directory} is in use by another process`);
    throw new KoboldError("volume_refused", `${directory} cannot be locked`, { cause: error });
  }
  const locked = database;
  return {
    release: () => {
      if (locked.open) locked.close();
    },
  };
}
