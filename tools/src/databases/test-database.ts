import { randomBytes } from "node:crypto";
import mysql from "mysql2/promise";
import pg from "pg";

/** An empty database of one test in a shared server. */
export interface TestDatabase {
  /** What a node takes as `dsn`. */
  readonly url: string;
  readonly name: string;
  /** Removes it, cutting whoever is still connected. */
  drop(): Promise<void>;
}

/** Creates an empty database with a new name in the server that `serverUrl` administers. */
export async function createTestDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  const run = serverUrl.startsWith("postgres:") ? runOnPostgres : runOnMariadb;
  const force = serverUrl.startsWith("postgres:") ? " with (force)" : "";
  await run(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, name, drop: () => run(serverUrl, `drop database if exists ${name}${force}`) };
}

async function runOnPostgres(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function runOnMariadb(url: string, statement: string): Promise<void> {
  const connection = await mysql.createConnection(url);
  try {
    await connection.query(statement);
  } finally {
    await connection.end();
  }
}
