import { Client } from "@koboldfs/client";
import type { ChangeInfo } from "@koboldfs/protocol";
import { type PostgresPair, startPostgresPair } from "@koboldfs/tools";
import { expect, it } from "vitest";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { historyKindsOf, waitUntilWhole } from "./harness/node-status.js";
import { mustGet, mustPut, sha256 } from "./harness/raw-files.js";
import { checkReadable, SteadyWriters } from "./harness/steady-writers.js";
import { TcpProxy } from "./harness/tcp-proxy.js";
import { givenCatalog } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { WebhookReceiver } from "./harness/webhook-receiver.js";
import { checkJournal, entriesOf } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

/** Puts of the side that is lost with its database; the other side gives out fewer numbers, so that all its own are used twice. */
const LOST_PUTS = 60;
const WON_KEYS = Array.from({ length: 10 }, (_, index) => `won-${index}`);

interface Scene {
  readonly cluster: Cluster;
  readonly pair: PostgresPair;
  /** Between a, b and the standby. */
  readonly wire: TcpProxy;
  readonly receiver: WebhookReceiver;
}

async function withScene(body: (scene: Scene) => Promise<void>): Promise<void> {
  const pair = await startPostgresPair({ synchronous: false });
  const standby = new URL(pair.standby.url);
  const wire = await TcpProxy.start({ host: standby.hostname, port: Number(standby.port) });
  const receiver = await WebhookReceiver.start();
  try {
    const dsn = pair.dsn.replace(`:${standby.port}/`, `:${wire.port}/`);
    await withCluster({ nodes: 2, engine: "postgres", catalog: async () => givenCatalog(dsn) }, (cluster) =>
      body({ cluster, pair, wire, receiver }),
    );
  } finally {
    receiver.stop();
    await wire.close();
    await pair.stop();
  }
}

/** Follows what a node tells of changes, until it is stopped. */
function follow(cluster: Cluster, { from, after }: { from: string; after: number }) {
  const client = new Client(NAMESPACE, { servers: [cluster.node(from).url], token: cluster.secret ?? "" });
  const seen: ChangeInfo[] = [];
  const leave = new AbortController();
  const ended = (async () => {
    for await (const change of client.changes({ after, signal: leave.signal })) seen.push(change);
  })();
  ended.catch(() => undefined);
  const stop = async () => {
    leave.abort(new Error("left"));
    await expect(ended).rejects.toThrow("left");
    await client.close();
  };
  return { seen, stop };
}

/** A change of a file as everybody must be told of it: which number, of which key, to which content. */
const nameOf = ({ number, key, digest }: Pick<ChangeInfo, "number" | "key" | "digest">) => `${number} ${key} ${digest}`;

/** The puts of the joined history, straight from the database. */
async function readPuts(pair: PostgresPair): Promise<ChangeInfo[]> {
  const journal = await readJournal(pair.standby.url);
  expect(checkJournal(journal)).toEqual([]);
  const puts = journal.groups.flatMap((group) => entriesOf(group)) as unknown as ChangeInfo[];
  return puts.filter(({ kind, namespace }) => kind === "put" && namespace === NAMESPACE);
}

/** Who was told of this knows everything: each change of the history, and from the order in which it came the state. */
function checkTold(told: readonly ChangeInfo[], puts: readonly ChangeInfo[]): void {
  const names = new Set(told.map(nameOf));
  expect(puts.map(nameOf).filter((name) => !names.has(name))).toEqual([]);
  const contentOf = ({ key, digest }: ChangeInfo) => `${key} ${digest}`;
  const contents = new Set(puts.map(contentOf));
  expect(told.map(contentOf).filter((content) => !contents.has(content))).toEqual([]);
  expect(stateOf(told)).toEqual(stateOf(puts));
}

function stateOf(changes: readonly ChangeInfo[]): Record<string, string | undefined> {
  const entries = changes.map(({ key, digest }) => [key, digest] as const);
  return Object.fromEntries([...new Map(entries)].toSorted(([a], [b]) => a.localeCompare(b)));
}

async function addWebhook({ cluster, receiver }: Scene): Promise<void> {
  const client = new Client(NAMESPACE, { servers: cluster.urls, token: cluster.secret ?? "" });
  receiver.secret = (await client.addWebhook({ url: receiver.url, namespace: NAMESPACE })).secret;
  await client.close();
}

/** Lets the history go on twice: a and b write to the primary, and c, which reaches only the standby, to that. */
async function fork(scene: Scene, isReceiverAway: boolean): Promise<{ writers: SteadyWriters; after: number }> {
  const { cluster, pair, receiver, wire } = scene;
  const writers = new SteadyWriters([cluster.node("a"), cluster.node("b")], 4);
  await waitUntil("some puts are acknowledged", () => writers.acknowledged.length >= 20);
  const c = await cluster.prepareNode("c");
  wire.cut();
  await pair.cutReplication();
  const after = (await readJournal(pair.standby.url)).head.number;
  await mustPut(cluster.node("a").url, "both", "the lost side");
  await waitUntil("the receiver was told of much that the standby lacks", () => {
    return receiver.changes.filter(({ number }) => number > after).length >= LOST_PUTS;
  });
  const isWon = ({ key }: ChangeInfo) => WON_KEYS.includes(key);
  if (isReceiverAway) receiver.refuses = isWon;
  await pair.promoteStandby();
  c.useCatalog(pair.standby.url);
  await c.start();
  for (const key of WON_KEYS) await mustPut(c.url, key, key);
  await mustPut(c.url, "both", "the won side");
  return { writers, after };
}

/** The primary is lost, a and b find the standby, and what they alone knew is joined to what it has. */
async function join({ cluster, pair, wire, receiver }: Scene, isReceiverAway: boolean): Promise<void> {
  const [a, b, c] = [cluster.node("a"), cluster.node("b"), cluster.node("c")];
  if (isReceiverAway) {
    await waitUntil("c fails to tell of its changes", () => receiver.refusedKeys.has(WON_KEYS[0] ?? ""));
    await c.kill("SIGKILL");
    receiver.status = 503;
    const { size } = receiver.refusedKeys;
    await waitUntil("the other side fails too, and notes where it is", () => receiver.refusedKeys.size > size);
  }
  await pair.primary.kill();
  wire.heal();
  for (const node of [a, b]) await waitUntilWhole(node);
  await waitUntil("the sides are joined", async () => {
    const kinds = await historyKindsOf(cluster);
    return kinds.includes("forked") && kinds.includes("joined");
  });
  receiver.status = 200;
  receiver.refuses = () => false;
  if (isReceiverAway) await c.start();
}

it.each([
  { isReceiverAway: false, what: "while a webhook is told of both" },
  { isReceiverAway: true, what: "while a webhook's receiver is away and the node dies that would have told it" },
])("a catalog that forks and is joined $what passes over no change", async ({ isReceiverAway }) => {
  await withScene(async (scene) => {
    const { cluster, pair, receiver } = scene;
    await addWebhook(scene);
    const followers = ["a", "b"].map((from) => follow(cluster, { from, after: 0 }));
    const { writers, after } = await fork(scene, isReceiverAway);
    await join(scene, isReceiverAway);
    const before = writers.acknowledged.length;
    await waitUntil("puts go on", () => writers.acknowledged.length >= before + 20);
    await writers.stop();
    for (const node of cluster.nodes) await waitUntilWhole(node);
    await mustPut(cluster.node("a").url, "last", "last");
    const puts = await readPuts(pair);
    const acknowledged = [...writers.keys, ...WON_KEYS, "both", "last"];
    expect(acknowledged.filter((key) => !puts.some((put) => put.key === key))).toEqual([]);
    const resumed = [...["a", "b", "c"].map((from) => follow(cluster, { from, after }))];
    const everybody = [receiver.changes, ...[...followers, ...resumed].map(({ seen }) => seen)];
    for (const told of everybody) await waitUntil("all are told", () => told.some(({ key }) => key === "last"));
    expect(receiver.bad).toEqual([]);
    checkTold(receiver.changes, puts);
    for (const { seen } of followers) checkTold(seen, puts);
    const later = puts.filter(({ number }) => number > after);
    for (const { seen } of resumed) expect(seen.map(nameOf)).toEqual(later.map(nameOf));
    for (const { stop } of [...followers, ...resumed]) await stop();
    for (const node of cluster.nodes) await checkReadable(node, writers.keys);
    const both = stateOf(puts)["both"];
    for (const node of cluster.nodes) expect(sha256(await mustGet(node.url, "both"))).toBe(both);
    console.log(
      `told ${receiver.changes.length} times of ${puts.length} changes, ${later.length} of them behind the fork`,
    );
  });
});
