import { randomBytes } from "node:crypto";
import { deriveWebhookSecret } from "../auth/webhook-signature.js";
import { createClientAuth } from "../auth/client-auth.js";
import { UrlSigner } from "../auth/url-signature.js";
import type { BlobLocator } from "../blobs/blob-store.js";
import { MemoryUploadStore } from "../blobs/memory/memory-upload-store.js";
import { ChangeFeed } from "../mirror/changes/change-feed.js";
import { DirectUrls } from "../files/direct-urls.js";
import { CatalogReads } from "../files/catalog-reads.js";
import { MetricsService } from "../files/metrics-service.js";
import { NamespaceViews } from "../files/namespace-views.js";
import { NamespaceService } from "../files/namespace-service.js";
import { NodeService } from "../files/node-service.js";
import { ScrubService } from "../files/scrub-service.js";
import { StatusService } from "../files/status-service.js";
import { WebhookService } from "../files/webhook-service.js";
import { UploadService } from "../files/uploads/upload-service.js";
import { openTestFiles, type TestFiles, type TestFilesOptions } from "../files/test-files.js";
import { ScriptedUpkeep } from "../cluster/test-upkeep.js";
import { HistoryEvents } from "../cluster/history-events.js";
import { MirrorIntake } from "../mirror/mirror-intake.js";
import { WatchedMirror } from "../mirror/watched-mirror.js";
import { MemoryMirror } from "../mirror/memory/memory-mirror.js";
import { systemClock } from "../runtime/clock.js";
import { silentLogger } from "../runtime/logger.js";
import { LoopDelay } from "../runtime/loop-delay.js";
import { readProcessUsage } from "../runtime/process-usage.js";
import { createDirectFace } from "./direct-face.js";
import { Offload } from "./offload.js";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "./create-http-server.js";

export interface TestServer extends TestFiles {
  readonly server: HttpServer;
  readonly port: number;
  readonly url: string;
  readonly mirror: WatchedMirror;
  readonly uploads: UploadService;
  readonly uploadStore: MemoryUploadStore;
  /** This node's own. */
  readonly upkeep: ScriptedUpkeep;
}

/** Longer than any test. */
const UPLOAD_TTL_MS = 3_600_000;

export const TEST_URL_KEY = { id: "test", secret: "a-secret-of-the-tests" };

export interface TestServerOptions extends TestFilesOptions {
  /** Lets web servers send the bytes that it finds. */
  readonly locate?: BlobLocator["locate"];
  readonly token?: string;
  readonly http?: Partial<HttpServerOptions>;
  /** Listens there instead of on a port, as behind reader processes. */
  readonly socketPath?: string;
}

/** A listening server over test files, on a free port of the loopback interface. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const test = await openTestFiles(options);
  const uploadStore = new MemoryUploadStore();
  const createId = () => randomBytes(16).toString("hex");
  const { catalog, context, files } = test;
  const { clock } = context;
  const uploads = await UploadService.open({ context, files, store: uploadStore, ttlMs: UPLOAD_TTL_MS, createId });
  const mirror = new WatchedMirror(new MemoryMirror(catalog.clusterId));
  await feedMirror(test, mirror);
  // A status goes on without the catalog, as in a node; of files the tests of this server want to see it fail.
  const reads = new CatalogReads({ catalog, mirror, clock, log: silentLogger });
  const upkeep = new ScriptedUpkeep();
  const secretOf = (id: string) => deriveWebhookSecret("a secret of tests", id);
  const webhooks = new WebhookService({ catalog, secretOf });
  const signer = new UrlSigner([TEST_URL_KEY]);
  const views = new NamespaceViews({ catalog, clock: systemClock });
  const offload = new Offload({ locate: options.locate ?? (async () => undefined) }, options.locate !== undefined);
  const direct = { blobs: context.store, namespaces: views, signer, offload, clock: systemClock, log: silentLogger };
  const status = new StatusService({
    ...{ catalog, cluster: test.cluster, reads, mirror, upkeep, webhooks },
    events: new HistoryEvents(systemClock),
    transactions: files.transactions,
  });
  const delays = new LoopDelay(systemClock);
  delays.start();
  const server = await createHttpServer({
    faces: [createDirectFace(direct)],
    auth: createClientAuth(options.token),
    files: test.files,
    urls: new DirectUrls({ context, files, namespaces: views, signer, random: Math.random }),
    offload,
    namespaces: new NamespaceService(test.catalog),
    nodes: new NodeService(test.catalog, test.cluster),
    status,
    metrics: new MetricsService({ status, usage: readProcessUsage, delays, clock }),
    scrubs: new ScrubService({ cluster: test.cluster, upkeep }),
    uploads,
    webhooks,
    changes: new ChangeFeed({ mirror, catalog, clock: systemClock }),
    log: silentLogger,
    isReady: async () => ({ status: "ok", mirror: (await catalog.head()).number }),
    ...options.http,
  });
  const { port } = await listen(server, options.socketPath);
  const close = async () => {
    await server.stop();
    reads.stop();
    delays.stop();
    await uploads.close();
    await test.close();
  };
  return { ...test, mirror, upkeep, uploads, uploadStore, server, port, url: `http://127.0.0.1:${port}`, close };
}

async function listen(server: HttpServer, socketPath: string | undefined): Promise<{ port: number }> {
  if (socketPath === undefined) return server.start({ host: "127.0.0.1", port: 0 });
  await server.startBehind(socketPath);
  return { port: 0 };
}

/** As in a node: the mirror has what was committed before anybody is told of it. */
async function feedMirror({ catalog, witness }: TestFiles, mirror: WatchedMirror): Promise<void> {
  const pull = (after: number) => catalog.listGroups(after, 100);
  const intake = new MirrorIntake({ mirror, pull, clock: systemClock });
  while (await intake.catchUp());
  witness.take({
    known: () => undefined,
    confirm: async (_number, group) => {
      if (group !== undefined) await intake.take(group);
      return Number.POSITIVE_INFINITY;
    },
  });
}
