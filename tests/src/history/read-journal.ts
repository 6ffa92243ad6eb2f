import Database from "libsql";
import mysql from "mysql2/promise";
import pg from "pg";
import { genesisHash, type StoredGroup, type StoredJournal } from "./check-journal.js";

type Row = Record<string, unknown>;
type Query = (sql: string) => Promise<Row[]>;

/** The whole journal straight from the database, past every server. */
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
    const database = new Database(dsn.slice("sqlite:".length), { readonly: true });
    return { query: async (sql) => database.prepare(sql).all() as Row[], close: async () => void database.close() };
  }
  if (dsn.startsWith("mysql:")) {
    const connection = await mysql.createConnection(dsn);
    const query = async (sql: string) => (await connection.query(sql))[0] as Row[];
    return { query, close: () => connection.end() };
  }
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  return { query: async (sql) => (await client.query(sql)).rows as Row[], close: () => client.end() };
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
  // libsql's way; the other drivers give a Buffer.
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  if (!(value instanceof Uint8Array)) throw new TypeError("the database gave no bytes");
  return Buffer.from(value);
}

function toHex(value: unknown): string {
  return toBuffer(value).toString("hex");
}
