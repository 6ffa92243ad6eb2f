import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/*
 * Loaded into a node before anything else: its fsyncs answer at once and do nothing, as those of a lying disk, or of a
 * program that forgot them. SQLite's own are not touched. A test of power cuts must notice.
 */
const answer = (_fd: number, end: (error: Error | null) => void) => setImmediate(end, null);
Object.assign(fs, { fsync: answer, fdatasync: answer });
syncBuiltinESMExports();
