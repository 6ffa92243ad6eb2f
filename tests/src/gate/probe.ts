import { subscribe } from "node:diagnostics_channel";
import { accessSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import Database from "libsql";
import { MARK_FOLDER } from "./marks.js";

/*
 * Loaded into a node before anything else, in each of its threads: what no system call tells it says by one, the question
 * for a file that does not exist. So strace has everything in one list, in order and with its time.
 */
function mark(text: string): void {
  try {
    accessSync(`${MARK_FOLDER}${text}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** A question that was refused the lock is asked again every millisecond, which says how busy the machine is. */
const SQLITE_BUSY = 5;

type Method = (this: unknown, ...parameters: unknown[]) => unknown;

function markCalls(methods: Record<string, Method>, name: string): void {
  const method = methods[name] as Method;
  methods[name] = function marked(...parameters) {
    let isRefused = false;
    try {
      return method.apply(this, parameters);
    } catch (error) {
      isRefused = (error as { rawCode?: number }).rawCode === SQLITE_BUSY;
      throw error;
    } finally {
      if (!isRefused) mark("query");
    }
  };
}

const memory = new Database(":memory:");
const statements = Object.getPrototypeOf(memory.prepare("select 1")) as Record<string, Method>;
// `all` calls `iterate`.
for (const name of ["run", "get", "iterate"]) markCalls(statements, name);
markCalls(Database.prototype as unknown as Record<string, Method>, "exec");
memory.close();

subscribe("http.server.response.finish", () => mark(`heap/${getHeapStatistics().used_heap_size}`));
