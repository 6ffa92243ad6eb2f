import { createHash } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ClientPool, createPgAdapter } from "@koboldfs/client";
import pg from "pg";
import { startSurroundings, type Surroundings } from "../surroundings.js";
import { keyOf, NAMESPACE, type Photo } from "./album.js";
import { type AppProcess, startAlbum } from "./app-process.js";

/**
 * Loads the album with photos that come and go, kills the application again and again at moments that chance chooses, and
 * shows in the end whether rows and files agree. The seconds are those that it lived:
 * `npm run example:killed -- [--seconds N] [--seed N]`.
 */
const { values } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } });
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const WORKERS = 8;
const SHORTEST_LIFE_MS = 300;
const LONGEST_LIFE_MS = 3_000;

/** From 0 to below 1. The lives have one of their own: what the load draws meanwhile depends on how fast it gets on. */
function createChance(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const chanceOfLives = createChance(seed);
const chanceOfLoad = createChance(seed + 1);

console.log(`${seconds} seconds, seed ${seed}`);
const surroundings = await startSurroundings();
try {
  const { kills, added, removed } = await killForAWhile(surroundings);
  console.log(`killed ${kills} times; ${added} photos were answered to be added, ${removed} to be removed`);
  const { photos, problems } = await compare(surroundings);
  for (const problem of problems) console.error(problem);
  console.log(`${photos} photos; rows and files ${problems.length === 0 ? "agree" : "DIFFER"}`);
  process.exitCode = problems.length === 0 && photos > 0 ? 0 : 1;
} finally {
  await surroundings.stop();
}

async function killForAWhile(around: Surroundings) {
  const counts = { kills: 0, added: 0, removed: 0 };
  let app = await startAlbum(around, 0);
  for (let lived = 0; lived < seconds * 1000; ) {
    const load = Array.from({ length: WORKERS }, (_, worker) => loadUntilDeath(app, worker, counts));
    const lifeMs = SHORTEST_LIFE_MS + chanceOfLives() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS);
    await sleep(lifeMs);
    lived += lifeMs;
    app.child.kill("SIGKILL");
    await Promise.all(load);
    counts.kills += 1;
    app = await startAlbum(around, 0);
  }
  app.child.kill("SIGTERM");
  await once(app.child, "exit");
  return counts;
}

/** Adds photos, and removes every third of its own, as a browser would. */
async function loadUntilDeath(
  { url, child }: AppProcess,
  worker: number,
  counts: { added: number; removed: number },
): Promise<void> {
  for (let number = 0; child.signalCode === null && child.exitCode === null; number += 1) {
    const title = `photo ${worker}.${number} <of> ${child.pid}`;
    const pixels = `pixels ${chanceOfLoad()} `.repeat(1 + chanceOfLoad() * 2_000);
    const form = new FormData();
    form.append("title", title);
    form.append("photo", new Blob([beginningOf(title), pixels], { type: "image/png" }));
    try {
      const reply = await fetch(`${url}/photos`, { method: "POST", body: form, redirect: "manual" });
      if (reply.status !== 303) throw new Error(`answered ${reply.status}: ${await reply.text()}`);
      counts.added += 1;
      if (number % 3 !== 0) continue;
      const [, id] = /\/photos\/(\d+)\/remove/.exec(await (await fetch(url)).text()) ?? [];
      if (id === undefined) continue;
      const removal = await fetch(`${url}/photos/${id}/remove`, { method: "POST", redirect: "manual" });
      if (removal.status === 303) counts.removed += 1;
    } catch (thrown) {
      // It was killed; what it had not answered may have happened or not.
      if (child.signalCode === null && child.exitCode === null) await sleep(10);
      if (thrown instanceof Error && thrown.message.startsWith("answered 4")) throw thrown;
    }
  }
}

/** Recovers what the last death left, and looks at both sides. */
async function compare({ databaseUrl, servers }: Surroundings) {
  const rows = new pg.Pool({ connectionString: databaseUrl });
  const database = createPgAdapter<pg.PoolClient>(rows);
  const files = new ClientPool({ servers });
  const problems: string[] = [];
  const report = await files.recoverTransactions(database, { minAgeMs: 0 });
  for (const { id, reason } of report.failed) problems.push(`${id} could not be recovered: ${String(reason)}`);
  for await (const { id } of files.listTransactions({ state: "prepared" })) problems.push(`${id} is left prepared`);
  const found = (await rows.query<Photo>("select id, title, digest from photos")).rows;
  const keys = new Set<string>();
  for await (const { key } of files.client(NAMESPACE).list()) keys.add(key);
  for (const photo of found) {
    const bytes = await files.client(NAMESPACE).getBytes(keyOf(photo.id));
    if (bytes === undefined) problems.push(`photo ${photo.id} has a row and no file`);
    else if (!isPhoto(photo, bytes)) problems.push(`photo ${photo.id} has a row, and other bytes as its file`);
    keys.delete(keyOf(photo.id));
  }
  for (const key of keys) problems.push(`${key} is a file without a row`);
  await files.close();
  await rows.end();
  return { photos: found.length, problems };
}

/** The bytes of a photo tell whose they are. */
function beginningOf(title: string): string {
  return `${title}\n`;
}

/** The bytes as they were read, and not what anybody says of them. */
function isPhoto({ title, digest }: Photo, bytes: Uint8Array): boolean {
  const isWhole = createHash("sha256").update(bytes).digest("hex") === digest;
  return isWhole && Buffer.from(bytes).toString().startsWith(beginningOf(title));
}
