import { KoboldError, type NamespaceInfo, type PutReply } from "@koboldfs/protocol";
import type { ChangeDone, PutChange } from "../model/change.js";
import { MAX_PLACEMENT_AGE_MS } from "../model/placement-age.js";
import { preconditionHolds } from "../model/precondition.js";
import { findExcess, type Usage, usageChange } from "../model/usage.js";
import { crashPoint } from "../runtime/crash-points.js";
import { changeOf, checkStaging } from "./staging.js";
import { type FileContext, ownPermissions } from "./file-context.js";
import type { NamespaceViews } from "./namespace-views.js";
import { openPlacements, type PlacedCopies } from "./placement-set.js";
import { pourBody } from "./pour-body.js";
import { putFingerprint, type PutRequest } from "./put-request.js";
import { replaceLostCopies } from "./replace-copies.js";

export interface PutContext extends FileContext {
  readonly namespaces: NamespaceViews;
}

/**
 * Stores the body on this node and enough peers at once, then names it.
 *
 * A put that throws has named nothing: the old version stays. Bytes placed in vain are unreferenced, and reaped.
 */
export async function putFile(context: PutContext, request: PutRequest): Promise<PutReply> {
  const minCopies = await checkPut(context, request);
  const placements = await openPlacements(context, request, Math.max(context.ackCopies, minCopies));
  try {
    const sizeBytes = await pourBody(request, placements);
    await checkCopies(context, request, { copies: placements.attainable(), minCopies });
    const finishing = placements.finish(sizeBytes);
    context.catalog.expectAfter(finishing);
    const placed = await replaceLostCopies(context, placements, await finishing);
    await checkCopies(context, request, { copies: placed.nodes.length, minCopies });
    const outcome = await nameFile(context, { request, placed, minCopies });
    return reply(context, placed, outcome);
  } catch (error) {
    await placements.abort();
    throw error;
  }
}

/** Refuses what cannot succeed before the body is sent, and answers how many copies this put must have. */
export async function checkPut(context: PutContext, request: Omit<PutRequest, "body">): Promise<number> {
  if (context.reads.isAway)
    throw new KoboldError("catalog_unavailable", "the catalog does not answer; nothing can be named now");
  return context.reads.checkSurely(() => checkAsSeenNow(context, request));
}

async function checkAsSeenNow(context: PutContext, request: Omit<PutRequest, "body">): Promise<number> {
  const { cluster, namespaces } = context;
  const namespace = await namespaces.get(request.namespace);
  const minCopies = Math.max(request.minCopies ?? context.minCopies, namespace.minCopies);
  const copies = Number(ownPermissions(cluster).takesPuts) + cluster.placementPeers().length;
  await checkCopies(context, request, { copies, minCopies });
  if (request.transaction === undefined) {
    await checkPrecondition(context, request);
    await checkRoom(context, request, namespace);
  } else await checkStaging(context, request, request.transaction);
  return minCopies;
}

/** As seen now; the commit decides. With an idempotency key it may be a repetition, whose answer only the commit knows. */
async function checkPrecondition({ catalog }: FileContext, request: Omit<PutRequest, "body">): Promise<void> {
  const { namespace, key, precondition, idempotencyKey } = request;
  if (precondition === undefined || idempotencyKey !== undefined) return;
  const file = await catalog.findFile(namespace, key);
  if (!preconditionHolds(precondition, file?.digest)) {
    throw new KoboldError("precondition_failed", `${key} is not in the demanded state`);
  }
}

/** What is staged takes no room before it is prepared. A view of a second ago may refuse nothing: it is asked again. */
async function checkRoom(
  { catalog }: FileContext,
  { namespace: name, key, sizeBytes = 0, idempotencyKey }: Omit<PutRequest, "body">,
  view: NamespaceInfo,
): Promise<void> {
  if (findExcessOf(view, usageChange(undefined, sizeBytes)) === undefined) return;
  const [now, file] = [await catalog.findNamespace(name), await catalog.findFile(name, key)];
  const excess = now && findExcessOf(now, usageChange(file?.sizeBytes, sizeBytes));
  if (excess === undefined || (idempotencyKey !== undefined && (await catalog.isRecorded(idempotencyKey)))) return;
  throw new KoboldError("quota_exceeded", `namespace ${name} ${excess}`);
}

function findExcessOf(namespace: NamespaceInfo, growth: Usage): string | undefined {
  return findExcess(namespace, { files: namespace.files, bytes: BigInt(namespace.bytes) }, growth);
}

/** A put that was committed before is not refused for the nodes that are away now: the commit gives the first answer. */
async function checkCopies(
  { catalog }: FileContext,
  { idempotencyKey }: Pick<PutRequest, "idempotencyKey">,
  { copies, minCopies }: { copies: number; minCopies: number },
): Promise<void> {
  if (copies >= minCopies) return;
  if (idempotencyKey !== undefined && (await catalog.isRecorded(idempotencyKey))) return;
  throw new KoboldError("too_few_copies", `${copies} nodes can store the file now; ${minCopies} are demanded`);
}

interface NameOptions {
  readonly request: PutRequest;
  readonly placed: PlacedCopies;
  readonly minCopies: number;
}

async function nameFile(context: FileContext, options: NameOptions): Promise<ChangeDone> {
  const { catalog, clock, cluster } = context;
  const { request, placed } = options;
  request.signal?.throwIfAborted();
  // The commit looks again, under the lock; this spares it what is too late already.
  const ageMs = clock.monotonic() - placed.since;
  if (ageMs > MAX_PLACEMENT_AGE_MS) {
    throw new KoboldError("placement_expired", `placed ${Math.round(ageMs / 1000)} s ago`);
  }
  crashPoint("put.commit.before");
  const outcome = await catalog.commit(changeOf(context, putChange(options), request.transaction));
  crashPoint("put.acknowledgement.before");
  if (!outcome.ok) throw outcome.error;
  if (request.transaction !== undefined) return outcome;
  cluster.nudge(outcome.owing);
  if (countCopies(outcome) < options.minCopies) {
    // Named already, but not to be told as a success: sent again under the same key it gets this outcome, and the
    // mirrors another chance.
    const copies = countCopies(outcome);
    throw new KoboldError("too_few_copies", `${copies} nodes know the file by now; ${options.minCopies} are demanded`);
  }
  return outcome;
}

function putChange({ request, placed, minCopies }: NameOptions): PutChange {
  const { namespace, key, contentType, metadata, expires, precondition, idempotencyKey } = request;
  return {
    kind: "put",
    namespace,
    key,
    content: { digest: placed.digest, sizeBytes: placed.sizeBytes, contentType, metadata },
    placedOn: placed.nodes,
    placedSinceMs: placed.since,
    placedAfter: placed.placedAfter,
    minCopies,
    ...(expires && { expires }),
    ...(precondition && { precondition }),
    ...(idempotencyKey !== undefined && {
      idempotency: { key: idempotencyKey, fingerprint: putFingerprint(request, placed.digest) },
    }),
  };
}

function reply({ ackCopies }: FileContext, placed: PlacedCopies, outcome: ChangeDone): PutReply {
  const { digest, sizeBytes } = outcome.content ?? placed;
  const wanted = Math.max(ackCopies, outcome.holders);
  const { version, steps } = outcome;
  const copies = countCopies(outcome);
  return { digest, size: sizeBytes, version, copies, wanted, ...(steps !== undefined && { steps }) };
}

/** Bytes without a name are no copy of a file: what counts is how many machines may be lost before one is missing. */
function countCopies({ copies, mirrors = copies }: ChangeDone): number {
  return Math.min(copies, mirrors);
}
