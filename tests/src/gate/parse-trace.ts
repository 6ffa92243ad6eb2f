import { MARK_FOLDER } from "./marks.js";

/** What strace is asked for. A question mark: some machines do not have that call. */
export const TRACED_CALLS = [
  ...["fsync", "fdatasync", "?open", "openat", "?creat", "?rename", "renameat", "renameat2", "?mkdir", "mkdirat"],
  ...["?unlink", "unlinkat", "?rmdir", "?link", "linkat", "read", "pread64", "readv", "preadv", "preadv2"],
  ...["write", "pwrite64", "writev", "pwritev", "pwritev2", "recvfrom", "recvmsg", "sendto", "sendmsg"],
  ...["?stat", "?lstat", "?fstat", "?newfstatat", "statx", "?access", "faccessat", "?faccessat2"],
] as const;

const KINDS: readonly (readonly [kind: string, calls: RegExp])[] = [
  ["flushes", /^f(data)?sync$/],
  ["opens", /^(open(at)?|creat)$/],
  ["folder changes", /^(rename|mkdir|unlink|rmdir|link)/],
  ["reads", /^(p?read|recv)/],
  ["writes", /^(p?write|send)/],
  ["stats", /^([lf]?stat|newfstatat|statx|f?access)/],
];

/** SQLite reads again what another process wrote meanwhile, and that is up to the time at which heartbeats come. */
const UNSTEADY = "database reads";

/** One thing that a node did: a system call of a kind that counts, a question to a database, or the size of its heap. */
export interface TraceEvent {
  readonly atMs: number;
  /** Such as `file flushes`, `queries`, `heap`. */
  readonly what: string;
  /** Of `heap` the bytes in use; else 1. */
  readonly amount: number;
}

/**
 * The events of what `strace -f -y -ttt` wrote. Of files only those below `folder` count; of the rest sockets: what threads
 * say to each other by eventfd depends on who gets a core.
 */
export function parseTrace(text: string, folder: string): TraceEvent[] {
  return text.split("\n").flatMap((line) => {
    // Without the second halves of interrupted lines, which begin with `<...`.
    const parts = /^(?:\d+\s+)?(\d+\.\d+) (\w+)\((.*)$/.exec(line);
    if (parts === null) return [];
    const [, seconds = "", call = "", rest = ""] = parts;
    const seen = nameOf(call, rest, folder);
    return seen === undefined ? [] : [{ atMs: Number(seconds) * 1000, ...seen }];
  });
}

function nameOf(call: string, rest: string, folder: string): Omit<TraceEvent, "atMs"> | undefined {
  const marked = rest.indexOf(`"${MARK_FOLDER}`);
  if (marked >= 0) return readMark(rest.slice(marked + MARK_FOLDER.length + 1));
  const place = placeOf(rest, folder);
  const kind = KINDS.find(([, calls]) => calls.test(call))?.[0];
  const what = `${place} ${kind}`;
  return place === undefined || kind === undefined || what === UNSTEADY ? undefined : { what, amount: 1 };
}

function readMark(text: string): Omit<TraceEvent, "atMs"> {
  const bytes = /^heap\/(\d+)"/.exec(text)?.[1];
  return bytes === undefined ? { what: "queries", amount: 1 } : { what: "heap", amount: Number(bytes) };
}

function placeOf(rest: string, folder: string): "file" | "database" | "socket" | undefined {
  if (/^\d+<(socket|TCP|UNIX)/.test(rest)) return "socket";
  // The file of a descriptor, or a name in quotation marks.
  const path = /^\d+<([^>]*)>/.exec(rest)?.[1] ?? /"([^"]*)"/.exec(rest)?.[1];
  if (path?.startsWith(folder) !== true) return undefined;
  return /\.sqlite(-wal|-shm|-journal)?$/.test(path) ? "database" : "file";
}
