import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { KoboldError, type NodeId } from "@koboldfs/protocol";
import { createClientAuth } from "../auth/client-auth.js";
import { NodeSigner, NodeVerifier } from "../auth/node-signature.js";
import { deriveWebhookSecret } from "../auth/webhook-signature.js";
import { deriveUrlKey, UrlSigner } from "../auth/url-signature.js";
import { CachedBlobStore } from "../blobs/cached-blob-store.js";
import { DiskUploadStore } from "../blobs/disk/uploads/disk-upload-store.js";
import { DiskBlobLister } from "../blobs/disk/disk-blob-lister.js";
import { BLOBS_FOLDER } from "../blobs/disk/disk-volume.js";
import type { VolumeSet } from "../blobs/disk/volume-set.js";
import { HistoryEvents } from "../cluster/history-events.js";
import { LiveCluster, type LiveClusterOptions } from "../cluster/live-cluster.js";
import { MirrorFeed } from "../cluster/mirror-feed.js";
import { registerNode } from "../cluster/node-registration.js";
import { proveMembership } from "../cluster/prove-membership.js";
import { clientToken, type NodeConfig } from "../config/node-config.js";
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
import { systemFileSystem } from "../runtime/file-system.js";
import { ExpiryWorker } from "../workers/expiry-worker.js";
import { FileExpiryWorker } from "../workers/file-expiry-worker.js";
import { HistoryWorker } from "../workers/history-worker.js";
import { createJournalSource } from "../workers/journal-source.js";
import { OwnUpkeep } from "../workers/own-upkeep.js";
import { PaceMeter } from "../workers/pace-meter.js";
import { PurgeWorker } from "../workers/purge-worker.js";
import { ReapWorker } from "../workers/reap-worker.js";
import { Reaper } from "../workers/reaper.js";
import { createOverview } from "./create-overview.js";
import { createScrub } from "./create-scrub.js";
import { TransactionWorker } from "../workers/transaction-worker.js";
import { WorkerRunner } from "../workers/worker-runner.js";
import { boundsOf } from "./readers/node-bounds.js";
import { Readers } from "./readers/readers.js";
import { createPeerConnector } from "./connect-peer.js";
import { type BuildOptions, type Ground, hasWhatIsKnown, openGround, patienceOf } from "./open-ground.js";
import { startWorkers } from "./start-workers.js";
import { tryPatiently } from "./catalog-patience.js";
import type { Teardown } from "./teardown.js";

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
  const { catalog, changes, clock, config, delays, id, log, mirror, nodeSecret, traffic, volumes } = ground;
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
    ...{ maxRunning: boundsOf(config).node.running, traffic },
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
          ...{ blobs: volumes, listing: listerOf(volumes), journal: { mirror, intake }, identity, upkeep },
          ...{ onNudge, traffic },
          verify: (request) => verifier.verify(request),
        }),
    ],
  });
}

function listerOf({ volumes }: VolumeSet): DiskBlobLister {
  const roots = volumes.map(({ path }) => join(path, BLOBS_FOLDER));
  return new DiskBlobLister(systemFileSystem, roots);
}
