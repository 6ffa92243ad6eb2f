import { randomBytes } from "node:crypto";
import { isAbsolute, join, relative } from "node:path";
import { KoboldError, type NodeId } from "@koboldfs/protocol";
import { createClientAuth } from "../auth/client-auth.js";
import { NodeSigner, NodeVerifier } from "../auth/node-signature.js";
import { deriveWebhookSecret } from "../auth/webhook-signature.js";
import { deriveUrlKey, UrlSigner } from "../auth/url-signature.js";
import type { BlobRef } from "../blobs/blob-store.js";
import { CachedBlobStore } from "../blobs/cached-blob-store.js";
import { DiskUploadStore } from "../blobs/disk/uploads/disk-upload-store.js";
import { DiskBlobLister } from "../blobs/disk/disk-blob-lister.js";
import { BLOBS_FOLDER } from "../blobs/disk/disk-volume.js";
import { openDiskVolumes } from "../blobs/disk/open-volumes.js";
import type { VolumeSet } from "../blobs/disk/volume-set.js";
import type { Catalog, Debt } from "../catalog/catalog.js";
import { openSqlCatalog } from "../catalog/sql/open-sql-catalog.js";
import { HistoryEvents } from "../cluster/history-events.js";
import { LiveCluster, type LiveClusterOptions } from "../cluster/live-cluster.js";
import { MirrorFeed } from "../cluster/mirror-feed.js";
import { findRegistration, registerNode } from "../cluster/node-registration.js";
import { proveMembership } from "../cluster/prove-membership.js";
import { WitnessSeat } from "../cluster/witness-seat.js";
import { clientToken, type NodeConfig } from "../config/node-config.js";
import { ChangeFeed } from "../mirror/changes/change-feed.js";
import { CatalogReads } from "../files/catalog-reads.js";
import type { FileContext } from "../files/file-context.js";
import { DirectUrls } from "../files/direct-urls.js";
import { FileService } from "../files/file-service.js";
import { NamespaceViews } from "../files/namespace-views.js";
import { NamespaceService } from "../files/namespace-service.js";
import { NodeService } from "../files/node-service.js";
import { ScrubService } from "../files/scrub-service.js";
import { WebhookService } from "../files/webhook-service.js";
import { UploadService } from "../files/uploads/upload-service.js";
import { createDirectFace } from "../http/direct-face.js";
import { createHttpServer, type HttpServer } from "../http/create-http-server.js";
import { nodeFace } from "../http/node/node-face.js";
import { Offload } from "../http/offload.js";
import { MirrorIntake } from "../mirror/mirror-intake.js";
import { SqliteMirror } from "../mirror/sqlite/sqlite-mirror.js";
import { WatchedMirror } from "../mirror/watched-mirror.js";
import { findFence } from "../model/fence.js";
import type { Clock } from "../runtime/clock.js";
import { systemFileSystem } from "../runtime/file-system.js";
import type { LoopDelay } from "../runtime/loop-delay.js";
import type { Logger } from "../runtime/logger.js";
import { BackfillWorker } from "../workers/backfill-worker.js";
import { BlobFetcher } from "../workers/blob-fetcher.js";
import { ExpiryWorker } from "../workers/expiry-worker.js";
import { FileExpiryWorker } from "../workers/file-expiry-worker.js";
import { HistoryWorker } from "../workers/history-worker.js";
import { HistoryRepair } from "../workers/history-repair.js";
import { createJournalSource } from "../workers/journal-source.js";
import { MirrorWorker, type MirrorWorkerOptions } from "../workers/mirror-worker.js";
import { MissingCensus } from "../workers/missing-census.js";
import { OwnUpkeep } from "../workers/own-upkeep.js";
import { PaceMeter } from "../workers/pace-meter.js";
import { PeerBudget } from "../workers/peer-budget.js";
import { PruneWorker } from "../workers/prune-worker.js";
import { PurgeWorker } from "../workers/purge-worker.js";
import { ReapWorker } from "../workers/reap-worker.js";
import { Reaper } from "../workers/reaper.js";
import { RepairWorker } from "../workers/repair-worker.js";
import { createOverview, watchEventLoop } from "./create-overview.js";
import { createScrub } from "./create-scrub.js";
import { VolumeWorker } from "../workers/volume-worker.js";
import { TransactionWorker } from "../workers/transaction-worker.js";
import { WorkerRunner } from "../workers/worker-runner.js";
import { sendWebhook } from "../workers/webhooks/webhook-sender.js";
import { WebhookWorker } from "../workers/webhooks/webhook-worker.js";
import { boundsOf } from "./readers/node-bounds.js";
import { Readers } from "./readers/readers.js";
import { createPeerConnector } from "./connect-peer.js";
import { loopbackSecret } from "./loopback-secret.js";
import { findNodeId } from "./node-identity.js";
import { CATALOG_PATIENCE_MS, tryPatiently } from "./catalog-patience.js";
import type { Teardown } from "./teardown.js";

export interface BuildOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly catalogPatienceMs?: number;
}

/** The parts of a node, put together and not yet serving. */
export interface NodeParts {
  readonly id: NodeId;
  readonly clusterId: string;
  readonly server: HttpServer;
  /** The other processes, not started yet. */
  readonly readers: Readers;
  /** Resolves when the cluster does not want this node any more. */
  readonly expelled: Promise<void>;
  /** Makes the node known under its URL; from then on it is ready. */
  join(url: string): Promise<void>;
  startWorkers(): void;
}

/** What the parts below share. */
interface Ground extends BuildOptions {
  readonly config: NodeConfig;
  readonly catalog: Catalog;
  /** Asked around each commit of the catalog; the feed of the mirrors sits down on it. */
  readonly witness: WitnessSeat;
  readonly mirror: WatchedMirror;
  readonly changes: ChangeFeed;
  readonly volumes: VolumeSet;
  readonly id: NodeId;
  readonly nodeSecret: string;
  readonly delays: LoopDelay;
}

/** Every choice of an implementation is made here. */
export async function buildNode(config: NodeConfig, options: BuildOptions, teardown: Teardown): Promise<NodeParts> {
  const ground = await openGround(config, options, teardown);
  const { catalog, id, log, volumes } = ground;
  let expel = () => {};
  const expelled = new Promise<void>((resolve) => {
    expel = resolve;
  });
  const workers = new WorkerRunner({ clock: options.clock, random: Math.random, log });
  const onNudge = () => {
    workers.wake("repair");
    workers.wake("purge");
  };
  const reaper = new Reaper({ catalog, store: volumes, clock: options.clock });
  volumes.watchPlacements((ref) => reaper.placed(ref));
  const purges = new PurgeWorker({ catalog, reaper, self: id, isTrusted: () => hasWhatIsKnown(ground) });
  // What was purged while this node was away must not be served.
  await purges.obeyAll();
  const connect = createPeerConnector(createSigner(ground));
  const cluster = createCluster(ground, { connect, onOwnDebt: onNudge, onExpelled: expel });
  const { intake, feed } = createIntake(ground, cluster);
  const events = new HistoryEvents(options.clock);
  const reads = new CatalogReads({ catalog, mirror: ground.mirror, clock: options.clock, log });
  ground.witness.watchDoubt(() => reads.setTrusted(false));
  const readers = new Readers({ ...ground, reads });
  const beginComparison = () => reads.beginComparison();
  const scrub = await createScrub(ground, { cluster, workers });
  teardown.add("the scrub's reader", () => scrub.reader.close());
  teardown.add("the reads", () => reads.stop());
  teardown.add("the heartbeats", () => cluster.stop());
  teardown.add("the workers", () => workers.stop());
  const context = createFileContext(ground, { cluster, reads });
  const files = new FileService(context);
  const uploads = await openUploads(ground, { context, files });
  teardown.add("the uploads", () => uploads.close());
  const paid = new PaceMeter(options.clock);
  const upkeep = new OwnUpkeep({ paid, volumes, scrub: scrub.worker });
  let joined = false;
  const server = await createServer(ground, {
    ...{ context, files, cluster, uploads, intake, reads, readers, events, upkeep, onNudge },
    isJoined: () => joined,
  });
  return {
    id,
    clusterId: catalog.clusterId,
    server,
    readers,
    expelled,
    async join(url) {
      const { name, zone } = config;
      const enter = async () => {
        await proveMembership({ self: id, nodes: await catalog.listNodes(), connect, log });
        await registerNode(catalog, { id, name, url, zone, volumes: volumes.volumeIds });
        await cluster.start();
      };
      await tryPatiently(enter, patienceOf(config, options));
      joined = true;
    },
    startWorkers: () => {
      startWorkers(ground, { cluster, intake, feed, events, paid, beginComparison, workers });
      workers.start(scrub.worker);
      workers.start(new ExpiryWorker(uploads));
      workers.start(purges);
      const walk = () => volumes.walkShards();
      workers.start(new ReapWorker({ reaper, walk, clock: options.clock, log }));
      workers.start(new HistoryWorker({ catalog, holder: id }));
      workers.start(new FileExpiryWorker({ catalog, holder: id }));
      workers.start(new TransactionWorker({ catalog, holder: id, clock: options.clock, log }));
    },
  };
}

function patienceOf({ dsn }: NodeConfig, { clock, log, signal, catalogPatienceMs }: BuildOptions) {
  return { dsn, clock, log, signal, patienceMs: catalogPatienceMs ?? CATALOG_PATIENCE_MS };
}

async function openGround(config: NodeConfig, options: BuildOptions, teardown: Teardown): Promise<Ground> {
  const { clock, log } = options;
  const { dsn, allowUnsafeCatalog } = config;
  const witness = new WitnessSeat();
  const open = () => openSqlCatalog({ dsn, allowUnsafe: allowUnsafeCatalog, logger: log, clock, witness });
  const catalog = await tryPatiently(open, patienceOf(config, options));
  teardown.add("the catalog", () => catalog.close());
  const id = await findNodeId(config, catalog);
  const known = await findRegistration(catalog, { id, name: config.name });
  const volumes = await openDiskVolumes({
    directories: config.data,
    cluster: catalog.clusterId,
    node: id,
    knownVolumes: known?.volumes ?? [],
    ownNames: embeddedCatalogNames(config),
    clock,
    logger: log,
    maxLent: boundsOf(config).node.pieces,
  });
  teardown.add("the volumes", () => volumes.close());
  const mirror = await openMirror(config, catalog.clusterId, options);
  teardown.add("the mirror", () => mirror.close());
  const nodeSecret = config.clusterSecret ?? loopbackSecret(catalog.clusterId);
  const changes = new ChangeFeed({ mirror, catalog, clock });
  const delays = watchEventLoop(teardown);
  return { ...options, config, catalog, witness, mirror, changes, volumes, id, nodeSecret, delays };
}

/** Whether the catalog's history goes on from what this node's mirror has: the mirror first, the catalog may go on meanwhile. */
async function hasWhatIsKnown({ catalog, mirror }: Ground): Promise<boolean> {
  const known = mirror.head();
  const head = await catalog.head();
  return findFence({ ...head, hashAtKnown: await catalog.findGroupHash(known.number) }, known) === undefined;
}

/** In the first volume, which is known by now to be this node's. */
async function openMirror({ data }: NodeConfig, clusterId: string, { clock, log }: BuildOptions) {
  const [first] = data;
  if (first === undefined) throw new KoboldError("config_invalid", "a node needs a data directory");
  return new WatchedMirror(
    await SqliteMirror.open({ path: join(first, "mirror.sqlite"), clusterId, clock, logger: log }),
  );
}

/** Everything that this node commits goes to its own mirror and its peers' before it is acknowledged. */
function createIntake({ catalog, clock, config, log, mirror, witness }: Ground, cluster: LiveCluster) {
  const intake = new MirrorIntake({ mirror, pull: createJournalSource({ catalog, cluster, log }), clock });
  const { ackCopies } = config;
  const feed = new MirrorFeed({ mirror, intake, cluster, ackCopies, clock, log });
  witness.take(feed);
  return { intake, feed };
}

function createSigner({ catalog, clock, id, nodeSecret }: Ground): NodeSigner {
  return new NodeSigner({ secret: nodeSecret, cluster: catalog.clusterId, node: id, clock });
}

function createCluster(
  ground: Ground,
  ways: Pick<LiveClusterOptions, "connect" | "onOwnDebt" | "onExpelled">,
): LiveCluster {
  const { catalog, clock, config, id, log, volumes } = ground;
  return new LiveCluster({
    self: id,
    catalog,
    space: () => volumes.room(),
    intervalMs: config.intervalMs,
    clock,
    random: Math.random,
    log,
    ...ways,
  });
}

function createFileContext(
  { catalog, clock, config, log, volumes }: Ground,
  { cluster, reads }: { cluster: LiveCluster; reads: CatalogReads },
): FileContext {
  const { ackCopies, minCopies, staging } = config;
  const store = new CachedBlobStore(volumes, boundsOf(config).node.cacheBytes);
  return { catalog, reads, store, cluster, clock, log, staging, ackCopies, minCopies };
}

function openUploads(
  { config, volumes }: Ground,
  shared: { context: FileContext; files: FileService },
): Promise<UploadService> {
  const store = new DiskUploadStore(volumes.volumes);
  const createId = () => randomBytes(16).toString("hex");
  return UploadService.open({ ...shared, store, ttlMs: config.uploadTtlMs, createId });
}

interface ServerParts {
  readonly context: FileContext;
  readonly files: FileService;
  readonly uploads: UploadService;
  readonly cluster: LiveCluster;
  readonly intake: MirrorIntake;
  readonly reads: CatalogReads;
  readonly readers: Readers;
  readonly events: HistoryEvents;
  readonly upkeep: OwnUpkeep;
  readonly isJoined: () => boolean;
  readonly onNudge: () => void;
}

function createServer(ground: Ground, parts: ServerParts): Promise<HttpServer> {
  const { catalog, changes, clock, config, delays, id, log, mirror, nodeSecret, volumes } = ground;
  const { context, files, cluster, events, intake, uploads, upkeep, isJoined, onNudge, readers, reads } = parts;
  const verifier = new NodeVerifier({ secret: nodeSecret, cluster: catalog.clusterId, self: id, clock });
  const identity = { cluster: catalog.clusterId, node: id, name: config.name };
  const webhooks = new WebhookService({ catalog, secretOf: (webhook) => deriveWebhookSecret(nodeSecret, webhook) });
  const signer = new UrlSigner(config.urlKeys.length > 0 ? config.urlKeys : [deriveUrlKey(nodeSecret)]);
  const namespaces = new NamespaceViews({ catalog, clock });
  const offload = new Offload(volumes, config.accel);
  return createHttpServer({
    log,
    logRequests: config.log === "debug",
    maxRunning: boundsOf(config).node.running,
    corsOrigins: config.corsOrigins,
    auth: createClientAuth(clientToken(config)),
    files,
    urls: new DirectUrls({ context, files, namespaces, signer, random: Math.random }),
    offload,
    uploads,
    namespaces: new NamespaceService(catalog),
    nodes: new NodeService(catalog, cluster),
    scrubs: new ScrubService({ cluster, upkeep }),
    changes,
    webhooks,
    ...createOverview({
      ...{ catalog, cluster, reads, mirror, events, upkeep, webhooks, clock, delays },
      transactions: files.transactions,
      workers: () => readers.describe(),
    }),
    isReady: async () => {
      if (!isJoined()) throw new KoboldError("starting", "this node has not joined its cluster yet");
      if (volumes.volumes.every((volume) => volume.isSuspect))
        throw new KoboldError("disk_failed", "every volume failed");
      // A node whose catalog is away still serves what its mirror knows: a load balancer shall keep it.
      const { asOf } = await reads.read(async (source) => void (await source.listNamespaces()));
      return { status: asOf === undefined ? "ok" : "as_of", mirror: mirror.head().number };
    },
    faces: [
      createDirectFace({ blobs: context.store, namespaces, signer, offload, clock, log }),
      (scope) =>
        nodeFace(scope, {
          ...{ blobs: volumes, listing: listerOf(volumes), journal: { mirror, intake }, identity, upkeep, onNudge },
          verify: (request) => verifier.verify(request),
        }),
    ],
  });
}

function listerOf({ volumes }: VolumeSet): DiskBlobLister {
  const roots = volumes.map(({ path }) => join(path, BLOBS_FOLDER));
  return new DiskBlobLister(systemFileSystem, roots);
}

interface WorkerParts {
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

function startWorkers(
  ground: Ground,
  { cluster, intake, feed, events, paid, beginComparison, workers }: WorkerParts,
): void {
  const { catalog, clock, config, id, log, mirror, volumes } = ground;
  const rely = (ref: BlobRef) => volumes.rely(ref);
  const budget = new PeerBudget({ clock, lanes: config.repairLanes, bytesPerSecond: config.repairBytesPerSecond });
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

/** The files of an embedded catalog that lies in a data directory: they may be there before the volume is. */
function embeddedCatalogNames(config: NodeConfig): string[] {
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(config.dsn)?.[1];
  if (path === undefined) return [];
  const names = config.data.map((directory) => relative(directory, path));
  return names.filter((name) => !name.startsWith("..") && !isAbsolute(name) && !name.includes("/"));
}
