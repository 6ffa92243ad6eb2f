import { median } from "../measure/median.js";
import { FIRST_SECONDS, NAMESPACE, startCluster } from "./koboldfs.js";
import { sqliteIn } from "./koboldfs-subjects.js";
import type { Subject } from "./subject.js";

/** The names that are there before the first put that counts. */
const NAMES = 1_000_000;
/** As many as a batch takes. */
const BATCH = 1000;
const ORIGINAL = "original";
/** How often each question is asked. */
const QUESTIONS = 21;

/** Two nodes that already have a million files in the namespace: copies of one, since it is names that are many. */
export const crowdedSubject: Subject = {
  name: "koboldfs-two-crowded",
  title: `KoboldFS, two nodes as above, with ${NAMES} files in the namespace`,
  optional: true,
  firstSeconds: FIRST_SECONDS,
  yardstickFor: ({ operation }) => (operation === "put" ? "koboldfs-two" : undefined),
  async start(context) {
    const cluster = await startCluster(context, { nodes: 2, dsn: sqliteIn(context.folder) });
    try {
      const { origin } = new URL(cluster.folderUrls[0] ?? "");
      await fill(`${origin}/v1/files/${NAMESPACE}`);
      await report(origin);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  },
};

async function fill(url: string): Promise<void> {
  await send(`${url}/${ORIGINAL}`, { method: "PUT", body: Buffer.alloc(4096, "original") });
  for (let first = 0; first < NAMES; first += BATCH) {
    const operations = Array.from({ length: Math.min(BATCH, NAMES - first) }, (_, index) => {
      return { op: "copy", from: ORIGINAL, to: `crowd/${String(first + index).padStart(8, "0")}` };
    });
    const headers = { "content-type": "application/json" };
    const answer = await send(url, { method: "POST", headers, body: JSON.stringify({ operations }) });
    const { results } = JSON.parse(answer) as { results: readonly { error?: unknown }[] };
    const refused = results.find(({ error }) => error !== undefined);
    if (refused !== undefined) throw new Error(`a copy was refused: ${JSON.stringify(refused)}`);
  }
}

/** What an operator and a reader ask of so many names. */
async function report(origin: string): Promise<void> {
  const listing = `/v1/files/${NAMESPACE}?after=crowd/00500000&limit=1000`;
  for (const [what, path] of [
    ["the status", "/v1/status"],
    ["a listing of 1,000 from the middle", listing],
  ] as const) {
    const times: number[] = [];
    for (let asked = 0; asked < QUESTIONS; asked++) {
      const begun = performance.now();
      await send(origin + path, {});
      times.push(performance.now() - begun);
    }
    const [middle, most] = [median(times), Math.max(...times)].map((ms) => ms.toFixed(1));
    process.stdout.write(`${NAMES} names: ${what} takes ${middle} ms, at most ${most} of ${QUESTIONS} times\n`);
  }
}

async function send(url: string, request: RequestInit): Promise<string> {
  const response = await fetch(url, request);
  const text = await response.text();
  if (!response.ok) throw new Error(`${request.method ?? "GET"} ${url} was answered ${response.status}: ${text}`);
  return text;
}
