import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import Database from "libsql";

export interface SqliteFileOptions {
  /** How long statements wait for other sessions' locks, in ms. */
  readonly timeout: number;
  /** A file that is not there is not made. */
  readonly mustExist?: boolean;
}

/**
 * Opens an SQLite file, making it when there is none.
 * Throws an error without SQLite's code when the file cannot be opened.
 *
 * Through the operating system's own VFS, by a URI: libsql's default one, that of SQLite3 Multiple Ciphers, does not pass on
 * that a read failed. Questions are then answered from garbage, and a checkpoint writes it into the file.
 */
export function openSqliteFile(path: string, { timeout, mustExist = false }: SqliteFileOptions): Database.Database {
  const url = pathToFileURL(resolve(path));
  url.search = new URLSearchParams({ vfs: "unix", mode: mustExist ? "rw" : "rwc" }).toString();
  return new Database(url.href, { timeout });
}

/** SQLite's primary result codes, from https://www.sqlite.org/rescode.html. */
export const SQLITE = {
  ...{ PERM: 3, BUSY: 5, LOCKED: 6, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, PROTOCOL: 15 },
  ...{ AUTH: 23, NOTADB: 26 },
} as const;

/** The primary result code of an error that SQLite gave; undefined of any other. libsql has names for some codes only. */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("rawCode" in error) || typeof error.rawCode !== "number") return undefined;
  return error.rawCode & 0xff;
}
