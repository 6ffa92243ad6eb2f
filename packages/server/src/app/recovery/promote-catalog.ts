import { join } from "node:path";
import { KoboldError, type NodeId } from "@koboldfs/protocol";
import { NodeSigner } from "../../auth/node-signature.js";
import { findVolumeRecords } from "../../blobs/disk/open-volumes.js";
import { PeerConnection } from "../../blobs/remote/peer-connection.js";
import type { NodeRecord } from "../../catalog/catalog.js";
import { openSqlCatalog } from "../../catalog/sql/open-sql-catalog.js";
import { type NodeConfig, redactDsn } from "../../config/node-config.js";
import { StoredMirror } from "../../mirror/sqlite/stored-mirror.js";
import { NODE_STATES } from "../../model/node-state.js";
import { type Clock, systemClock } from "../../runtime/clock.js";
import { type Logger, silentLogger } from "../../runtime/logger.js";
import { loopbackSecret } from "../loopback-secret.js";
import { MIRROR_FILE, openOfflineGround } from "./offline-ground.js";
import { rebuildOn, type RebuiltCatalog, type RecoveryRun } from "./rebuild-catalog.js";

export interface PromoteRequest {
  /** This machine's node, which does not run. */
  readonly config: NodeConfig;
  /** The database that becomes the catalog: one that this machine reaches. */
  readonly dsn: string;
  readonly replace?: boolean;
  /** The operator's word that the other machine is gone. Asked for only when the machine does not answer. */
  readonly confirmGone: (other: OtherMachine) => Promise<boolean>;
}

export interface OtherMachine {
  readonly name: string;
  readonly url: string;
}

export interface PromotedCatalog extends RebuiltCatalog {
  /** The node that has to be brought back. */
  readonly other?: OtherMachine;
}

/** A machine that has power and a network answers within this. */
const ANSWER_MS = 3000;

/**
 * Makes the mirror of one of two machines the catalog, when the other one is gone and the database with it. What was
 * acknowledged on two machines is in every mirror; what only the other machine knows is joined when it comes back. Throws
 * `rebuild_refused` while anything speaks for the others being alive.
 */
export async function promoteCatalog(request: PromoteRequest, run: RecoveryRun = {}): Promise<PromotedCatalog> {
  const { clock = systemClock, log = silentLogger } = run;
  const { config, dsn, replace = false } = request;
  const { clusterId, self, others } = await readMirror(config, clock);
  if (others.length > 1) {
    const names = others.map(({ name }) => name).join(", ");
    throw new KoboldError(
      "rebuild_refused",
      `${names} may have longer mirrors than this node: use 'koboldfs catalog rebuild' with all that can be reached`,
    );
  }
  if (dsn !== config.dsn) await checkCatalogGone(config.dsn, { clusterId, clock, log });
  const [other] = others;
  if (other !== undefined) await checkNodeGone(other, { request, clusterId, self, clock });
  const ground = await openOfflineGround({ directories: config.data, verify: false, clock });
  try {
    const { allowUnsafeCatalog: allowUnsafe } = config;
    const report = await rebuildOn(ground, { dsn, replace, allowUnsafe }, { ...run, clock, log });
    return { ...report, ...(other !== undefined && { other: { name: other.name, url: other.url } }) };
  } finally {
    await ground.close();
  }
}

interface KnownNodes {
  readonly clusterId: string;
  readonly self: NodeId;
  readonly others: readonly NodeRecord[];
}

async function readMirror({ data }: NodeConfig, clock: Clock): Promise<KnownNodes> {
  const [record] = await findVolumeRecords(data);
  if (record === undefined) throw new KoboldError("volume_refused", `${data.join(", ")} is no volume of a node yet`);
  const mirror = await StoredMirror.open(join(data[0] ?? "", MIRROR_FILE), clock);
  try {
    const nodes = await mirror.listNodes();
    const others = nodes.filter(({ id, state }) => id !== record.node && NODE_STATES[state].mayReturn);
    return { clusterId: mirror.clusterId, self: record.node, others };
  } finally {
    await mirror.close();
  }
}

/** A catalog that answers is not lost; two of them at once would be the end of one history. */
async function checkCatalogGone(
  dsn: string,
  { clusterId, clock, log }: { clusterId: string; clock: Clock; log: Logger },
): Promise<void> {
  try {
    const catalog = await openSqlCatalog({ dsn, clusterId, allowUnsafe: true, clock, logger: log });
    const head = await catalog.head();
    await catalog.close();
    if (catalog.clusterId !== clusterId || head.number === 0 || head.epoch < 0) return;
  } catch (error) {
    if (error instanceof KoboldError && error.code === "catalog_unavailable") return;
    throw error;
  }
  const text = `the catalog at ${redactDsn(dsn)} answers: 'koboldfs catalog move' takes it elsewhere`;
  throw new KoboldError("rebuild_refused", text);
}

interface Suspicion {
  readonly request: PromoteRequest;
  readonly clusterId: string;
  readonly self: NodeId;
  readonly clock: Clock;
}

/** That a machine does not answer proves nothing: a network may be cut. Only a person can know that it is gone. */
async function checkNodeGone({ id, name, url }: NodeRecord, { request, clusterId, self, clock }: Suspicion) {
  const secret = request.config.clusterSecret ?? loopbackSecret(clusterId);
  const signer = new NodeSigner({ secret, cluster: clusterId, node: self, clock });
  const connection = new PeerConnection({ url, sign: (asked) => signer.sign(asked, id), progressTimeoutMs: ANSWER_MS });
  try {
    const response = await connection.ask({ method: "GET", rawPath: "/v1/node/ping", headers: {} });
    await response.body.dump();
  } catch {
    if (await request.confirmGone({ name, url })) return;
    throw new KoboldError("rebuild_refused", `${name} at ${url} does not answer, but nobody confirmed that it is gone`);
  } finally {
    await connection.close();
  }
  throw new KoboldError(
    "rebuild_refused",
    `${name} answers at ${url}: use 'koboldfs catalog rebuild --server', which takes its mirror into account`,
  );
}
