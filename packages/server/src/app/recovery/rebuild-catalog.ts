import { KoboldError } from "@koboldfs/protocol";
import { rebuildFromMirrors, type RebuildProgress, type RebuildReport } from "../../recovery/rebuild.js";
import { type Clock, systemClock } from "../../runtime/clock.js";
import { type Logger, silentLogger } from "../../runtime/logger.js";
import { openOfflineGround } from "./offline-ground.js";
import { openOnlineGround } from "./online-ground.js";
import { openTarget } from "./open-target.js";
import type { RecoveryGround, UnusableSource } from "./recovery-ground.js";

export interface RebuildRequest {
  /** The database that becomes the catalog. */
  readonly dsn: string;
  /** Data directories of nodes that do not run; or … */
  readonly data?: readonly string[];
  /** … URLs of nodes that do, while their catalog is lost. */
  readonly servers?: readonly string[];
  readonly clusterSecret?: string | undefined;
  readonly token?: string | undefined;
  /** Read every blob and compare it with its name. */
  readonly verify?: boolean;
  /** Throw away what is in the database. */
  readonly replace?: boolean;
  readonly allowUnsafe?: boolean;
}

export interface RecoveryRun {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly onProgress?: (progress: RebuildProgress) => void;
  readonly signal?: AbortSignal;
}

export interface RebuiltCatalog extends RebuildReport {
  readonly unusable: readonly UnusableSource[];
}

/** Makes a catalog again from the mirrors and volumes of nodes. Throws coded errors; nothing of the sources is changed. */
export async function rebuildCatalog(request: RebuildRequest, run: RecoveryRun = {}): Promise<RebuiltCatalog> {
  const { clock = systemClock, log = silentLogger } = run;
  const ground = await openGround(request, clock);
  try {
    return await rebuildOn(ground, request, { ...run, clock, log });
  } finally {
    await ground.close();
  }
}

function openGround(request: RebuildRequest, clock: Clock): Promise<RecoveryGround> {
  const { data = [], servers = [], clusterSecret, token, verify = false } = request;
  if (data.length > 0 && servers.length > 0) {
    throw new KoboldError("config_invalid", "give data directories or servers, not both");
  }
  if (servers.length > 0) return openOnlineGround({ servers, clusterSecret, token, verify, clock });
  return openOfflineGround({ directories: data, verify, clock });
}

/** From ground that is open already. */
export async function rebuildOn(
  ground: RecoveryGround,
  { dsn, replace = false, allowUnsafe = false }: Pick<RebuildRequest, "dsn" | "replace" | "allowUnsafe">,
  run: RecoveryRun & { readonly clock: Clock; readonly log: Logger },
): Promise<RebuiltCatalog> {
  const { clusterId, sources, inventories, unusable } = ground;
  const { clock, log, onProgress, signal } = run;
  const catalog = await openTarget({ dsn, clusterId, replace, allowUnsafe, clock, log });
  try {
    const report = await rebuildFromMirrors({
      ...{ catalog, sources, inventories, clock, log },
      ...(onProgress !== undefined && { onProgress }),
      signal,
    });
    return { ...report, unusable };
  } finally {
    await catalog.close();
  }
}
