import type { JournalGroup } from "../../model/journal-group.js";
import type { JournalPoint } from "../../model/journal-history.js";
import { fromHex, toBuffer, toHex, toInteger } from "../../catalog/sql/column-values.js";
import type { SqlInteger } from "../../catalog/sql/schema.js";
import { plainStatement, type SqlStatement } from "../../catalog/sql/sql-connection.js";
import type { MirrorBranch } from "../mirror.js";

/** The only table that a mirror has and a catalog has not: groups taken out of the history. */
export const CREATE_BRANCHES = plainStatement(
  `create table if not exists branches (
    fork_number integer not null, fork_hash blob not null,
    last integer not null, first integer not null, hash blob not null, bytes blob not null,
    primary key (fork_number, fork_hash, hash))`,
);

export interface BranchRow {
  readonly fork_number: SqlInteger;
  readonly fork_hash: Uint8Array;
  readonly first: SqlInteger;
  readonly last: SqlInteger;
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
}

export const LIST_BRANCHES = plainStatement<BranchRow>("select * from branches order by fork_number, fork_hash, last");

export function splitOffStatements(fork: JournalPoint): SqlStatement[] {
  const parameters = [fork.number, fromHex(fork.hash), fork.number];
  return [
    {
      sql: "insert or ignore into branches select ?, ?, last, first, hash, bytes from journal_groups where last > ?",
      parameters,
    },
    { sql: "delete from journal_groups where last > ?", parameters: [fork.number] },
    ...["files", "namespaces", "nodes", "webhooks"].map((table) => plainStatement(`delete from ${table}`)),
  ];
}

export function dropBranchStatement(fork: JournalPoint): SqlStatement {
  return {
    sql: "delete from branches where fork_number = ? and fork_hash = ?",
    parameters: [fork.number, fromHex(fork.hash)],
  };
}

export function parseBranchRows(rows: readonly BranchRow[]): MirrorBranch[] {
  const branches = new Map<string, { fork: JournalPoint; groups: JournalGroup[] }>();
  for (const row of rows) {
    const fork = { number: toInteger(row.fork_number), hash: toHex(row.fork_hash) };
    const branch = branches.get(fork.hash) ?? { fork, groups: [] };
    branches.set(fork.hash, branch);
    const { first, last, hash, bytes } = row;
    branch.groups.push({
      ...{ first: toInteger(first), last: toInteger(last), hash: toHex(hash), bytes: toBuffer(bytes) },
    });
  }
  return [...branches.values()];
}
