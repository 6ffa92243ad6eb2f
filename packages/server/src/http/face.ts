import type { FastifyInstance } from "fastify";
import type { ClientAuth } from "../auth/client-auth.js";
import type { ChangeFeed } from "../mirror/changes/change-feed.js";
import type { DirectUrls } from "../files/direct-urls.js";
import type { FileService } from "../files/file-service.js";
import type { MetricsService } from "../files/metrics-service.js";
import type { NamespaceService } from "../files/namespace-service.js";
import type { NodeService } from "../files/node-service.js";
import type { ScrubService } from "../files/scrub-service.js";
import type { StatusService } from "../files/status-service.js";
import type { WebhookService } from "../files/webhook-service.js";
import type { UploadService } from "../files/uploads/upload-service.js";
import type { Logger } from "../runtime/logger.js";
import type { Offload } from "./offload.js";
import type { Exchanges } from "./exchange.js";

/** A set of routes in a scope of its own: its hooks and parsers are nobody else's. */
export type Face = (scope: FastifyInstance) => Promise<void>;

/** What the native face answers from. */
export interface ClientFaceOptions {
  readonly auth: ClientAuth;
  readonly files: FileService;
  readonly urls: DirectUrls;
  readonly offload: Offload;
  readonly namespaces: NamespaceService;
  readonly nodes: NodeService;
  readonly status: StatusService;
  readonly metrics: MetricsService;
  readonly scrubs: ScrubService;
  readonly uploads: UploadService;
  readonly changes: ChangeFeed;
  readonly webhooks: WebhookService;
}

export interface ClientFaceContext extends ClientFaceOptions {
  readonly log: Logger;
  readonly exchanges: Exchanges;
}
