import { ClientPool } from "@koboldfs/client";
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
import { TransactionWitnesses } from "./history/transaction-witnesses.js";

/** How long transactions go on before the standby gets nothing more, and how long then before the primary is lost. */
const BEFORE_MS = 1_500;
const UNFOLLOWED_MS = 1_500;

/** Loses the primary under load, and checks what everybody saw before, meanwhile and afterwards. */
async function failOver(cluster: Cluster, pair: PostgresPair, isSynchronous: boolean): Promise<void> {
  const pool = new ClientPool({ servers: cluster.urls, token: cluster.secret ?? "" });
  const random = seededRandom("transactions when the catalog fails over");
  const witnesses = new TransactionWitnesses(pool);
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
