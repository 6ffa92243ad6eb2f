/** A folder, what it is for, and which others its code may import. */
export interface Layer {
  readonly folder: string;
  readonly purpose: string;
  /** Folders of the same table. Every folder may import itself. */
  readonly mayImport: readonly string[];
}

/** The packages. What `serve` and `demo` need of the server is one more rule: SERVER_IMPORTERS. */
export const PACKAGE_LAYERS: readonly Layer[] = [
  { folder: "packages/protocol", purpose: "words both sides share", mayImport: [] },
  { folder: "packages/client", purpose: "the client library", mayImport: ["packages/protocol"] },
  { folder: "packages/server", purpose: "the server", mayImport: ["packages/protocol"] },
  {
    folder: "packages/cli",
    purpose: "the koboldfs command",
    mayImport: ["packages/protocol", "packages/client", "packages/server"],
  },
  { folder: "tools", purpose: "checks of our own, databases for tests", mayImport: ["packages/protocol"] },
  {
    folder: "tests",
    purpose: "whole clusters of real processes",
    mayImport: ["packages/protocol", "packages/client", "packages/server", "tools"],
  },
  { folder: "examples", purpose: "applications to learn from", mayImport: ["packages/client", "tools"] },
  { folder: "bench", purpose: "benchmarks", mayImport: ["packages/protocol", "packages/client", "tools"] },
];

const VALUES = ["model", "runtime"];
const STORES = ["catalog", "mirror", "blobs", "auth"];
const UP_TO_CLUSTER = [...VALUES, ...STORES, "cluster"];
const UP_TO_HTTP = [...UP_TO_CLUSTER, "files", "workers", "http"];

/** The folders of packages/server/src, from the lowest to the highest. Test files may import what they like. */
export const SERVER_LAYERS: readonly Layer[] = [
  { folder: "model", purpose: "values and pure decisions; no I/O", mayImport: [] },
  { folder: "runtime", purpose: "the world behind small interfaces: clock, files, logger", mayImport: ["model"] },
  { folder: "catalog", purpose: "the SQL side: schema, commit, queries, dialects", mayImport: VALUES },
  {
    folder: "mirror",
    purpose: "the node's own copy of the journal and the names it implies",
    mayImport: [...VALUES, "catalog"],
  },
  { folder: "blobs", purpose: "where the bytes are: disk, a peer, memory", mayImport: VALUES },
  { folder: "auth", purpose: "who is asking, and may they", mayImport: VALUES },
  { folder: "cluster", purpose: "which nodes exist, and the way to each", mayImport: [...VALUES, ...STORES] },
  { folder: "files", purpose: "what a user asks for now: put, get, list, copy", mayImport: UP_TO_CLUSTER },
  { folder: "workers", purpose: "what the cluster owes, later: repair, backfill", mayImport: UP_TO_CLUSTER },
  {
    folder: "recovery",
    purpose: "what an operator does when a catalog is lost or moves: rebuild, move",
    mayImport: [...UP_TO_CLUSTER, "workers"],
  },
  { folder: "http", purpose: "the faces: native and node-to-node", mayImport: [...UP_TO_CLUSTER, "files", "workers"] },
  { folder: "config", purpose: "defaults < ini file < environment < flags", mayImport: VALUES },
  {
    folder: "app",
    purpose: "composition; the only place that names implementations",
    mayImport: [...UP_TO_HTTP, "recovery", "config"],
  },
];

/** Implementations behind an interface: named in app/, in tests and among themselves, nowhere else. */
export const IMPLEMENTATIONS: readonly string[] = [
  "catalog/sql",
  "mirror/sqlite",
  "mirror/memory",
  "blobs/disk",
  "blobs/memory",
  "blobs/remote",
];

/** One implementation that is made of another: a SQLite mirror has the tables and the queries of a SQLite catalog. */
export const MADE_OF: Readonly<Record<string, readonly string[]>> = { "catalog/sql": ["mirror/sqlite"] };

/** The only files of the command that may import the server: everything else talks to one over HTTP. */
export const SERVER_IMPORTERS: readonly string[] = [
  "packages/cli/src/serve",
  "packages/cli/src/demo",
  "packages/cli/src/recovery",
];
