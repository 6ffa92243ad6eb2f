import { readdirSync, readFileSync } from "node:fs";
import Database from "libsql";
import type { NodeProcess } from "./node-process.js";
import { waitUntil } from "./wait-until.js";

const LOCK_PATIENCE_MS = 5_000;

/**
 * SIGSTOP at a moment when the node does not write to the SQLite catalog of its cluster. One that stands still in the midst
 * of a commit keeps the file's lock, and nobody may break that: a state of its own, with its own tests.
 */
export async function freezeUnlocked(node: NodeProcess, dsn: string): Promise<void> {
  const catalog = new Database(dsn.slice("sqlite:".length), { timeout: LOCK_PATIENCE_MS });
  try {
    catalog.exec("BEGIN IMMEDIATE");
    await node.kill("SIGSTOP");
    await waitUntil(`node ${node.name} stands still`, () => standsStill(node.pid), { pollMs: 2 });
    catalog.exec("ROLLBACK");
  } finally {
    catalog.close();
  }
}

/** Whether the kernel has stopped every thread: "T" behind the name in parentheses, proc(5). */
function standsStill(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
  });
}
