import { deriveWebhookSecret } from "../auth/webhook-signature.js";
import type { BlobRef } from "../blobs/blob-store.js";
import type { Debt } from "../catalog/catalog.js";
import type { HistoryEvents } from "../cluster/history-events.js";
import type { LiveCluster } from "../cluster/live-cluster.js";
import type { MirrorFeed } from "../cluster/mirror-feed.js";
import type { MirrorIntake } from "../mirror/mirror-intake.js";
import { BackfillWorker } from "../workers/backfill-worker.js";
import { BlobFetcher } from "../workers/blob-fetcher.js";
import { HistoryRepair } from "../workers/history-repair.js";
import { MirrorWorker, type MirrorWorkerOptions } from "../workers/mirror-worker.js";
import { MissingCensus } from "../workers/missing-census.js";
import type { PaceMeter } from "../workers/pace-meter.js";
import { PeerBudget } from "../workers/peer-budget.js";
import { PruneWorker } from "../workers/prune-worker.js";
import { RepairWorker } from "../workers/repair-worker.js";
import { VolumeWorker } from "../workers/volume-worker.js";
import { sendWebhook } from "../workers/webhooks/webhook-sender.js";
import { WebhookWorker } from "../workers/webhooks/webhook-worker.js";
import type { WorkerRunner } from "../workers/worker-runner.js";
import { type Ground, hasWhatIsKnown } from "./open-ground.js";

export interface WorkerParts {
  readonly cluster: LiveCluster;
  readonly intake: MirrorIntake;
  readonly feed: MirrorFeed;
  readonly events: HistoryEvents;
  readonly paid: PaceMeter;
  readonly beginComparison: MirrorWorkerOptions["beginComparison"];
  readonly workers: WorkerRunner;
}

/** Signs with a secret that every node of the cluster can make again. */
function createWebhookWorker(ground: Ground): WebhookWorker {
  const { catalog, changes, clock, id, log, nodeSecret } = ground;
  const isTrusted = () => hasWhatIsKnown(ground);
  const secretOf = (webhook: string) => deriveWebhookSecret(nodeSecret, webhook);
  const ways = { feed: changes, secretOf, send: sendWebhook };
  return new WebhookWorker({ catalog, ...ways, isTrusted, holder: id, clock, random: Math.random, log });
}

/** Starts what brings blobs and journal groups here, and what works off the journal. */
export function startWorkers(
  ground: Ground,
  { cluster, intake, feed, events, paid, beginComparison, workers }: WorkerParts,
): void {
  const { catalog, clock, config, id, log, mirror, traffic, volumes } = ground;
  const rely = (ref: BlobRef) => volumes.rely(ref);
  const bounds = { lanes: config.repairLanes, bytesPerSecond: config.repairBytesPerSecond };
  const budget = new PeerBudget({ clock, ...bounds, serves: () => traffic.atOnce });
  const fetcher = new BlobFetcher({ local: volumes.steady, cluster, clock, log, rely, budget });
  // More than one peer gives: while one is waited for, another can be asked.
  const lanes = 2 * config.repairLanes;
  const onPaid = (debt: Debt) => paid.add(debt.sizeBytes);
  const dropIdleDebts = (debts: readonly Debt[]) => catalog.dropIdleDebts(debts);
  workers.start(new RepairWorker({ catalog, cluster, fetcher, lanes, budget, onPaid, clock, log, dropIdleDebts }));
  workers.start(new BackfillWorker({ catalog, cluster, fetcher, lanes, log }));
  const census = new MissingCensus({ catalog, cluster, here: volumes.steady, log });
  const wake = () => workers.wake("volumes");
  workers.start(new VolumeWorker({ volumes: volumes.volumes, census, wake, clock }));
  const repair = new HistoryRepair({ catalog, cluster, mirror, events, onSplit: () => feed.forgetHistory(), log });
  workers.start(new MirrorWorker({ catalog, mirror, intake, repair, beginComparison, clock, log }));
  workers.start(new PruneWorker({ catalog, holder: id }));
  workers.start(createWebhookWorker(ground));
}
