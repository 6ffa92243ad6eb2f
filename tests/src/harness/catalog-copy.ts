import { copyFileSync, existsSync, rmSync } from "node:fs";
import pg from "pg";

/** A catalog as it was at a moment: what a standby is that was promoted too early, or a backup of last night. */
export interface CatalogCopy {
  /** Puts the copy in the place of the catalog. Nodes may run meanwhile only where the engine is a server. */
  restore(): Promise<void>;
  drop(): Promise<void>;
}

/** Copies the catalog. No node may run. */
export function copyCatalog(dsn: string): Promise<CatalogCopy> {
  return dsn.startsWith("sqlite:") ? copyFile(dsn.slice("sqlite:".length)) : copyDatabase(dsn);
}

/** With the write-ahead log, which stays where a process was killed instead of closing its session. */
async function copyFile(path: string): Promise<CatalogCopy> {
  const copy = `${path}.copy`;
  const parts = ["", "-wal"];
  const copied = parts.filter((end) => existsSync(path + end));
  for (const end of copied) copyFileSync(path + end, copy + end);
  return {
    async restore() {
      for (const end of ["-wal", "-shm"]) rmSync(path + end, { force: true });
      for (const end of copied) copyFileSync(copy + end, path + end);
    },
    async drop() {
      for (const end of parts) rmSync(copy + end, { force: true });
    },
  };
}

async function copyDatabase(dsn: string): Promise<CatalogCopy> {
  const url = new URL(dsn);
  const name = url.pathname.slice(1);
  const copy = `${name}_copy`;
  let replaced = 0;
  url.pathname = "/postgres";
  const run = (...statements: string[]) => runAll(url.href, statements);
  const cut = (database: string) =>
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}' and pid <> pg_backend_pid()`;
  await run(cut(name), `create database ${copy} template ${name}`);
  return {
    async restore() {
      replaced += 1;
      await run(
        `alter database ${name} with allow_connections false`,
        cut(name),
        `alter database ${name} rename to ${name}_old${replaced}`,
        `create database ${name} template ${copy}`,
      );
    },
    async drop() {
      const old = Array.from({ length: replaced }, (_, index) => `${name}_old${index + 1}`);
      await run(...[copy, ...old].map((database) => `drop database if exists ${database} with (force)`));
    },
  };
}

async function runAll(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
