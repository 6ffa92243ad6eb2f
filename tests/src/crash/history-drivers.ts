import { type CatalogCopy, copyCatalog } from "../harness/catalog-copy.js";
import type { CrashDriver } from "./crash-drivers.js";
import type { CrashScene } from "./crash-scene.js";

/** Puts that only the victim knows when the older catalog comes back. */
const PUTS = 3;

/** An older catalog is in the place of the newer one, and the victim's mirror knows what it lacks. */
async function bringBackOldCatalog(scene: CrashScene): Promise<CatalogCopy> {
  const { cluster, victim } = scene;
  for (const node of cluster.running) await node.stop();
  const copy = await copyCatalog(cluster.dsn);
  await victim.start();
  await scene.putMany(victim, PUTS);
  await victim.stop();
  await copy.restore();
  return copy;
}

const completing: CrashDriver = {
  who: "a node that puts back what an older catalog lacks",
  async run(scene) {
    const copy = await bringBackOldCatalog(scene);
    scene.victim.orderCrash(scene.point);
    await scene.victim.startToCrash();
    await scene.victim.waitForCrash(scene.point);
    await copy.drop();
  },
};

const joining: CrashDriver = {
  who: "a node that joins its history with that of an older catalog that went on",
  async run(scene) {
    const copy = await bringBackOldCatalog(scene);
    await scene.other.start();
    await scene.putMany(scene.other, PUTS);
    scene.victim.orderCrash(scene.point);
    await scene.victim.startToCrash();
    await scene.victim.waitForCrash(scene.point);
    await copy.drop();
  },
};

/** As CRASH_DRIVERS, for points that are met only when the catalog was replaced; both nodes may be stopped. */
export const HISTORY_DRIVERS: Readonly<Record<string, readonly CrashDriver[]>> = {
  complete: [completing],
  fork: [joining],
};
