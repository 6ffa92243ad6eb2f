import { KoboldError, type TransactionReply } from "@koboldfs/protocol";
import { beforeEach, expect, it } from "vitest";
import type { TransactionFace } from "../transactions/transaction-face.js";
import type { DatabaseAdapter, SqlRow, SqlValue } from "./database-adapter.js";
import { DIALECTS } from "./dialect-sql.js";
import { recoverTransactions } from "./recover-transactions.js";

const DAY_MS = 86_400_000;
const SQL = DIALECTS.sqlite;

/** An application's database in which every decision is old: what becomes of one is the cluster's word alone. */
class OldDecisions implements DatabaseAdapter<undefined> {
  readonly dialect = "sqlite";
  readonly rows = new Set<string>();
  begun = 0;

  async begin() {
    this.begun += 1;
    const end = async () => void (this.begun -= 1);
    const query = async (text: string, values?: readonly SqlValue[]) => this.#answer(text, values);
    return { sql: undefined, query, commit: end, rollback: end };
  }

  #answer(text: string, [id]: readonly SqlValue[] = []): readonly SqlRow[] {
    if (text === SQL.readDecision) return [{ decision: "bookshop" }];
    if (text === SQL.listOldDecisions) return [...this.rows].slice(0, Number(id)).map((row) => ({ id: row }));
    if (text === SQL.removeDecision) this.rows.delete(String(id));
    return [];
  }
}

/** What the cluster says of each transaction; one that it does not know was forgotten. */
class KnownTransactions implements Pick<TransactionFace, "get" | "list"> {
  readonly finishedDaysAgo = new Map<string, number | "not yet" | "away">();

  async *list() {}

  async get(id: string): Promise<TransactionReply> {
    const days = this.finishedDaysAgo.get(id);
    if (days === undefined) throw new KoboldError("transaction_not_found", "forgotten");
    if (days === "away") throw new KoboldError("catalog_unavailable", "away");
    const times = days === "not yet" ? {} : { finished: new Date(Date.now() - days * DAY_MS).toISOString() };
    return { id, ...times } as TransactionReply;
  }
}

let database: OldDecisions;
let cluster: KnownTransactions;
beforeEach(() => {
  database = new OldDecisions();
  cluster = new KnownTransactions();
});

const recover = () => recoverTransactions(cluster as unknown as TransactionFace, database, {});

it("removes an old decision only 30 days after the cluster says that its transaction ended, or when that is forgotten", async () => {
  const ages = { young: 0, nearly: 29.9, over: 30.1, waiting: "not yet" } as const;
  for (const [id, days] of Object.entries(ages)) cluster.finishedDaysAgo.set(id, days);
  for (const id of [...Object.keys(ages), "forgotten"]) database.rows.add(id);
  expect((await recover()).pruned).toBe(2);
  expect([...database.rows]).toEqual(["young", "nearly", "waiting"]);
  expect(database.begun).toBe(0);
});

it("removes nothing on a cluster that does not answer", async () => {
  database.rows.add("a");
  cluster.finishedDaysAgo.set("a", "away");
  await expect(recover()).rejects.toMatchObject({ code: "catalog_unavailable" });
  expect([...database.rows]).toEqual(["a"]);
});
