import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";

export interface GeneratedMirror {
  /** Data directory of a node that ran once and has the namespace. */
  readonly data: string;
  readonly namespace: string;
  readonly names: number;
  /** Different contents: names share them in turn. */
  readonly blobs: number;
}

const GROUPS_A_TRANSACTION = 20_000;
/** Keys as applications have them: a folder, a date, a name. */
const FOLDERS = 500;
/** One put in a second, so that some of the outcomes are too old to be restored, as in a cluster of some weeks. */
const MS_BETWEEN_PUTS = 1000;

/**
 * Makes a stopped node's mirror as long as if every file had been put by itself, under an idempotency key, as the client
 * does it; and the files, a few bytes each. Written past the server, in the form of its journal.
 */
export function generateMirror({ data, namespace, names, blobs }: GeneratedMirror): void {
  const database = new Database(join(data, "mirror.sqlite"));
  const row = database.prepare("select head_number, head_hash from cluster where id = 1").get() as {
    head_number: number;
    head_hash: ArrayBuffer;
  };
  const insert = database.prepare(
    "insert into journal_groups (last, first, hash, bytes, time_ms) values (?, ?, ?, ?, ?)",
  );
  let number = row.head_number;
  let hash = Buffer.from(row.head_hash);
  const now = Date.now();
  const folders = new Set<string>();
  for (let start = 0; start < names; start += GROUPS_A_TRANSACTION) {
    database.exec("begin");
    for (let index = start; index < Math.min(names, start + GROUPS_A_TRANSACTION); index += 1) {
      number += 1;
      const timeMs = now - (names - index) * MS_BETWEEN_PUTS;
      const text = String(index % blobs);
      const bytes = formatPut({ index, text, number, timeMs, previous: hash.toString("hex"), namespace });
      hash = createHash("sha256").update(bytes).digest();
      insert.run([number, number, hash, bytes, timeMs]);
      if (index < blobs) writeBlob(join(data, "blobs", namespace), text, folders);
    }
    database
      .prepare("update cluster set head_number = ?, head_hash = ?, time_ms = ? where id = 1")
      .run([number, hash, now]);
    database.exec("commit");
  }
  database.close();
}

interface GeneratedPut {
  readonly index: number;
  /** The file's content. */
  readonly text: string;
  readonly number: number;
  readonly timeMs: number;
  readonly previous: string;
  readonly namespace: string;
}

function formatPut({ index, text, number, timeMs, previous, namespace }: GeneratedPut): Buffer {
  const id = timeMs.toString(16).padStart(12, "0") + digestOf(`group ${index}`).slice(0, 20);
  const answer = [digestOf(`request ${index}`).slice(0, 32), digestOf(`asked ${index}`), number, 1, 1];
  const header = JSON.stringify({ group: id, previous, first: number, last: number, timeMs, answers: [answer] });
  const key = `folder ${(index * 7919) % FOLDERS}/2026/11/image-${String(index).padStart(8, "0")}.jpg`;
  const content = { digest: digestOf(text), sizeBytes: text.length, contentType: "image/jpeg", metadata: [] };
  const entry = JSON.stringify({ number, kind: "put", namespace, key, ...content });
  return Buffer.from(`${header}\n${entry}\n`);
}

function writeBlob(root: string, text: string, folders: Set<string>): void {
  const digest = digestOf(text);
  const folder = join(root, digest.slice(0, 2), digest.slice(2, 4));
  if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
  folders.add(folder);
  writeFileSync(join(folder, digest), text);
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
