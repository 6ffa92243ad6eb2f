import { ClientPool, type KoboldError } from "@koboldfs/client";
import { type PostgresPair, startPostgresPair } from "@koboldfs/tools";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { waitUntilWhole } from "./harness/node-status.js";
import { seededRandom } from "./harness/random.js";
import { givenCatalog } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { checkTransactions, type RecordedTransaction, type TransactionHistory } from "./history/check-transactions.js";
import { readJournal } from "./history/read-journal.js";
import { recordTransactions } from "./history/record-transactions.js";

/** How long transactions go on before the standby gets nothing more, and how long then before the primary is lost. */
const BEFORE_MS = 1_500;
const UNFOLLOWED_MS = 1_500;

/** Both parts of a transaction's files, so that a half can be seen. */
const PARTS = ["one", "two"] as const;

type Tx = Awaited<ReturnType<ClientPool["begin"]>>;

/** Transactions at each step of their way when the catalog's primary is lost. */
class Witnesses {
  readonly #pool: ClientPool;
  #followed: Tx | undefined;
  #half: Tx | undefined;
  #begun: Tx | undefined;
  #prepared: Tx | undefined;
  #committed: Tx | undefined;
  #committing: Tx | undefined;
  #commit: Promise<string> | undefined;

  constructor(pool: ClientPool) {
    this.#pool = pool;
  }

  /** What a standby has, also one that gets nothing from now on. */
  async begin(): Promise<void> {
    this.#followed = await this.#stage("followed", PARTS);
    this.#half = await this.#stage("half", PARTS.slice(0, 1));
  }

  /** What only a standby has that followed to the end. */
  async goOn(): Promise<void> {
    await this.#put(this.#half as Tx, "half", PARTS.slice(1));
    this.#begun = await this.#stage("begun", PARTS);
    this.#prepared = await this.#stage("prepared", PARTS);
    await this.#prepared.prepare();
    this.#committed = await this.#stage("committed", PARTS);
    await this.#committed.commit();
    this.#committing = await this.#stage("committing", PARTS);
  }

  /** To be answered while the primary dies. */
  commitOne(): void {
    this.#commit = (this.#committing as Tx).commit().then(
      () => "committed",
      (thrown: KoboldError) => thrown.code,
    );
  }

  async checkAll(isSynchronous: boolean): Promise<void> {
    expect(await this.#partsOf("committed")).toEqual(PARTS);
    expect((await this.#pool.getTransaction((this.#committed as Tx).id)).state).toBe("committed");
    await this.#checkCommitting();
    expect(await this.#partsOf("prepared")).toEqual([]);
    const held = this.#pool.client(NAMESPACE).put("prepared/one", Buffer.from("other"), { deadlineMs: 200 });
    await expect(held).rejects.toMatchObject({ code: "key_locked" });
    await (this.#prepared as Tx).commit();
    expect(await this.#partsOf("prepared")).toEqual(PARTS);
    await (this.#followed as Tx).commit();
    expect(await this.#partsOf("followed")).toEqual(PARTS);
    await this.#checkOpen("half", this.#half as Tx, isSynchronous ? undefined : "transaction_conflict");
    await this.#checkOpen("begun", this.#begun as Tx, isSynchronous ? undefined : "transaction_not_found");
  }

  /** Whatever was answered, it is true, and nothing is half. */
  async #checkCommitting(): Promise<void> {
    const answer = await (this.#commit as Promise<string>);
    console.log(`the commit that the loss met: ${answer}`);
    const tx = this.#committing as Tx;
    const known = await this.#pool.getTransaction(tx.id).then(
      ({ state }) => state as string,
      (thrown: KoboldError) => thrown.code,
    );
    if (answer === "committed") expect(known).toBe("committed");
    else expect(["transaction_in_doubt", "transaction_conflict", "transaction_not_found"]).toContain(answer);
    expect(await this.#partsOf("committing")).toEqual(known === "committed" ? PARTS : []);
    if (known === "open") await tx.abort();
  }

  async #checkOpen(name: string, tx: Tx, refusal: string | undefined): Promise<void> {
    const commit = tx.commit();
    if (refusal === undefined) await commit;
    else await expect(commit).rejects.toMatchObject({ code: refusal });
    if (refusal === "transaction_conflict") await tx.abort();
    expect(await this.#partsOf(name)).toEqual(refusal === undefined ? PARTS : []);
  }

  async #stage(name: string, parts: readonly string[]): Promise<Tx> {
    const tx = await this.#pool.begin();
    await this.#put(tx, name, parts);
    return tx;
  }

  async #put(tx: Tx, name: string, parts: readonly string[]): Promise<void> {
    for (const part of parts) await tx.client(NAMESPACE).put(`${name}/${part}`, Buffer.from(name + part));
  }

  async #partsOf(name: string): Promise<string[]> {
    const parts: string[] = [];
    for await (const { key } of this.#pool.client(NAMESPACE).list({ prefix: `${name}/` })) parts.push(key);
    return parts.map((key) => key.slice(name.length + 1));
  }
}

/** Loses the primary under load, and checks what everybody saw before, meanwhile and afterwards. */
async function failOver(cluster: Cluster, pair: PostgresPair, isSynchronous: boolean): Promise<void> {
  const pool = new ClientPool({ servers: cluster.urls, token: cluster.secret ?? "" });
  const random = seededRandom("transactions when the catalog fails over");
  const witnesses = new Witnesses(pool);
  try {
    const recording = await recordTransactions({ cluster, random, namespaces: ["first", "second"] }, async () => {
      await witnesses.begin();
      await sleep(BEFORE_MS);
      if (!isSynchronous) await pair.cutReplication();
      await witnesses.goOn();
      await sleep(isSynchronous ? 0 : UNFOLLOWED_MS);
      witnesses.commitOne();
      await sleep(random.between(0, 20));
      await pair.primary.kill();
      await pair.promoteStandby();
      await waitUntil("a transaction commits again", () =>
        pool
          .transaction(async (tx) => void (await tx.client(NAMESPACE).put("again", Buffer.from("1"))))
          .then(() => true),
      );
      await sleep(BEFORE_MS);
    });
    console.log(JSON.stringify(Object.fromEntries(recording.counts)));
    for (const node of cluster.nodes) await waitUntilWhole(node);
    const { history } = recording;
    expect(checkTransactions(isSynchronous ? history : withoutReadsInVain(history))).toEqual([]);
    expect(recording.counts.get("committed")).toBeGreaterThan(5);
    await witnesses.checkAll(isSynchronous);
    for await (const { id } of pool.listTransactions({ state: "prepared" })) expect(id).toBe("nothing is prepared");
    for (const { namespace, key } of recording.places) {
      await pool.client(namespace).put(key, Buffer.from("not held"), { deadlineMs: 2_000 });
    }
    await cluster.waitUntilSettled();
    expect(checkJournal(await readJournal(pair.standby.url))).toEqual([]);
  } finally {
    await pool.close();
  }
}

/**
 * What was only staged such a standby may lack, and then reads in that transaction do not see it. The count of its changes keeps it
 * from being committed, so only the reads of those that were not committed prove nothing.
 */
function withoutReadsInVain({ transactions, looks }: TransactionHistory): TransactionHistory {
  const changesOf = (steps: RecordedTransaction["steps"]) => steps.filter(({ kind }) => kind === "change");
  return {
    looks,
    transactions: transactions.map((one) =>
      one.version === undefined ? { ...one, steps: changesOf(one.steps) } : one,
    ),
  };
}

describe("transactions when a standby follows the catalog's lost primary", () => {
  it.each([
    { isSynchronous: true, what: "synchronous standby: all of them go on" },
    { isSynchronous: false, what: "asynchronous one that lacks the last changes: nothing of them is lost or half" },
  ])("$what", async ({ isSynchronous }) => {
    const pair = await startPostgresPair({ synchronous: isSynchronous });
    try {
      await withCluster({ nodes: 2, engine: "postgres", catalog: async () => givenCatalog(pair.dsn) }, (cluster) =>
        failOver(cluster, pair, isSynchronous),
      );
    } finally {
      await pair.stop();
    }
  });
});
