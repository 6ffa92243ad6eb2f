import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import mysql from "mysql2/promise";
import pg from "pg";
import { genesisHash, type StoredGroup, type StoredJournal } from "./check-journal.js";

type Row = Record<string, unknown>;
type Query = (sql: string) => Promise<Row[]>;

const QUERY_SQLITE = fileURLToPath(new URL("../programs/query-sqlite.js", import.meta.url));
/** Of all groups of a long test's journal. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** The whole journal straight from the database, past every server; of a database server as it is at one moment. */
export async function readJournal(dsn: string): Promise<StoredJournal> {
  const { query, close } = await openDatabase(dsn);
  try {
    const [cluster] = await query("select cluster_id, head_number, head_hash from cluster");
    if (cluster === undefined) throw new Error("the catalog has no cluster");
    const groups = await query("select first, last, hash, bytes from journal_groups order by last");
    const numbers = await query("select number from journal order by number");
    return {
      genesis: genesisHash(String(cluster["cluster_id"])),
      groups: groups.map(toGroup),
      numbers: numbers.map((row) => Number(row["number"])),
      head: { number: Number(cluster["head_number"]), hash: toHex(cluster["head_hash"]) },
    };
  } finally {
    await close();
  }
}

async function openDatabase(dsn: string): Promise<{ query: Query; close: () => Promise<void> }> {
  if (dsn.startsWith("sqlite:")) {
    return { query: (sql) => querySqlite(dsn.slice("sqlite:".length), sql), close: async () => {} };
  }
  if (dsn.startsWith("mysql:")) {
    const connection = await mysql.createConnection(dsn);
    await connection.query("start transaction with consistent snapshot");
    const query = async (sql: string) => (await connection.query(sql))[0] as Row[];
    return { query, close: () => connection.end() };
  }
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  await client.query("begin isolation level repeatable read");
  return { query: async (sql) => (await client.query(sql)).rows as Row[], close: () => client.end() };
}

async function querySqlite(path: string, sql: string): Promise<Row[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [QUERY_SQLITE, path, sql], {
    maxBuffer: MAX_ANSWER_BYTES,
  });
  return (JSON.parse(stdout) as [Row[]])[0];
}

function toGroup(row: Row): StoredGroup {
  return {
    first: Number(row["first"]),
    last: Number(row["last"]),
    hash: toHex(row["hash"]),
    bytes: toBuffer(row["bytes"]),
  };
}

function toBuffer(value: unknown): Buffer {
  // SQLite's way through JSON; the drivers give a Buffer.
  if (typeof value === "object" && value !== null && "hex" in value) return Buffer.from(String(value.hex), "hex");
  if (!(value instanceof Uint8Array)) throw new TypeError("the database gave no bytes");
  return Buffer.from(value);
}

function toHex(value: unknown): string {
  return toBuffer(value).toString("hex");
}
