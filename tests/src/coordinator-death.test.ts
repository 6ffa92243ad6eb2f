import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { checkWithSha256sum } from "./harness/blobs-on-disk.js";
import { SeededRandom, seededRandom } from "./harness/random.js";
import { getFile, mustGet, putFile, sha256 } from "./harness/raw-files.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const ROUNDS = 6;
const WRITERS = 8;
const MAX_PUTS_BEFORE_DEATH = 100;

describe.each(["sqlite", "postgres"] as const)(
  "SIGKILL of the coordinating node in the middle of puts on %s",
  (engine) => {
    it("loses nothing that was acknowledged, and the rest happened entirely or not at all", async () => {
      const random = seededRandom("coordinator death");
      await withCluster({ nodes: 3, engine }, async (cluster) => {
        const digests = new Set<string>();
        for (let round = 0; round < ROUNDS; round += 1) {
          const attempts = await putUntilKilled(cluster, random, round);
          await expectAcknowledgedOnOthers(cluster, attempts);
          const victim = cluster.nodes[round % cluster.nodes.length];
          await victim?.restart();
          await cluster.waitUntilAllSeeAll();
          for (const attempt of attempts) if (attempt.acknowledged) digests.add(attempt.digest);
        }
        await cluster.waitUntilSettled();
        for (const node of cluster.nodes) await checkWithSha256sum(node, NAMESPACE, digests);
      });
    });
  },
);

interface Attempt {
  readonly key: string;
  readonly digest: string;
  readonly acknowledged: boolean;
}

/** Writers put through one node until it dies at a moment that chance chose. */
async function putUntilKilled(cluster: Cluster, random: SeededRandom, round: number): Promise<Attempt[]> {
  const victim = cluster.nodes[round % cluster.nodes.length];
  if (victim === undefined) throw new Error("no node to kill");
  const attempts: Attempt[] = [];
  const lastPut = random.between(1, MAX_PUTS_BEFORE_DEATH);
  const write = async (writer: number): Promise<void> => {
    const sizes = new SeededRandom(random.seed + writer);
    for (let number = 0; victim.isRunning; number += 1) {
      const key = `round ${round}/writer ${writer}/${number}`;
      const body = `${key} `.repeat(sizes.between(1, 4_000));
      const reply = await putFile(victim.url, key, { body }).catch(() => undefined);
      if (reply !== undefined) expect(reply.status, reply.body.toString()).toBeLessThan(300);
      attempts.push({ key, digest: sha256(body), acknowledged: reply !== undefined });
    }
  };
  const writers = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await waitUntil("enough puts are acknowledged", () => attempts.length >= lastPut, { pollMs: 1 });
  // Not to wait for something: where in a put the node dies is the chance that this test explores.
  await sleep(random.between(0, 20));
  await victim.kill("SIGKILL");
  await writers;
  return attempts;
}

/** The dead node is still dead: every answer comes from what the others have. */
async function expectAcknowledgedOnOthers(cluster: Cluster, attempts: readonly Attempt[]): Promise<void> {
  for (const { url } of cluster.running) {
    for (const { key, digest, acknowledged } of attempts) {
      if (acknowledged) {
        expect([key, sha256(await mustGet(url, key))]).toEqual([key, digest]);
        continue;
      }
      const reply = await getFile(url, key);
      if (reply.status !== 404) expect([key, reply.status, sha256(reply.body)]).toEqual([key, 200, digest]);
    }
  }
}
