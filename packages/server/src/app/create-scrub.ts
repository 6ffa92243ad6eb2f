import { DiskScrubStore } from "../blobs/disk/scrub/disk-scrub-store.js";
import { ThreadedShardReader } from "../blobs/disk/scrub/threaded-shard-reader.js";
import { VolumeCoverage } from "../blobs/disk/scrub/volume-coverage.js";
import type { VolumeSet } from "../blobs/disk/volume-set.js";
import type { Catalog } from "../catalog/catalog.js";
import type { Cluster } from "../cluster/cluster.js";
import type { NodeConfig } from "../config/node-config.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import { Quarantine } from "../workers/quarantine.js";
import { ScrubStretch } from "../workers/scrub-stretch.js";
import { ScrubWorker } from "../workers/scrub-worker.js";
import { VolumeReads } from "../workers/volume-reads.js";
import type { WorkerRunner } from "../workers/worker-runner.js";

export interface ScrubGround {
  readonly config: Pick<NodeConfig, "scrubBytesPerSecond" | "scrubAgainMs">;
  readonly catalog: Catalog;
  readonly volumes: VolumeSet;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The scrub of a node's volumes, with what its disks remember of it. */
export async function createScrub(
  { config, catalog, volumes, clock, log }: ScrubGround,
  { cluster, workers }: { cluster: Cluster; workers: WorkerRunner },
): Promise<{ worker: ScrubWorker; reader: ThreadedShardReader }> {
  const reader = new ThreadedShardReader();
  const store = new DiskScrubStore(volumes, reader);
  const coverage = await VolumeCoverage.load(volumes.volumes);
  const stretch = new ScrubStretch({ store, catalog, cluster, reads: new VolumeReads(), clock, log });
  const quarantine = new Quarantine({ store, catalog, log });
  const { scrubBytesPerSecond: bytesPerSecond, scrubAgainMs: againMs } = config;
  const wake = () => workers.wake("scrub");
  const rest = { bytesPerSecond, againMs, wake, clock, log };
  return { worker: new ScrubWorker({ store, stretch, quarantine, coverage, ...rest }), reader };
}
