import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type ClientPool, KoboldError, type TransactionState } from "@koboldfs/client";
import { type Cluster, NAMESPACE } from "../harness/cluster.js";
import { exitOf, spawnOwned } from "../harness/owned-process.js";
import type { SeededRandom } from "../harness/random.js";
import { waitUntil } from "../harness/wait-until.js";
import { COUPLED_STEPS, type CoupledStep } from "./coupled-step.js";
import type { Application, ApplicationEngine } from "./application.js";

const WRITER = fileURLToPath(new URL("../programs/coupled-writer.js", import.meta.url));
/** The writer is killed when some transaction comes to its step for the first time, or the last of these. */
const MAX_REACHES = 24;
/** What a defect of ours would throw; everything else may happen to whoever loses a node or a database. */
export const DEFECTS = /^(TypeError|RangeError|ReferenceError|SyntaxError|AssertionError)/;

export type Victim = "client" | "node" | "database";

/** The application's database, and how to kill it and bring it back where that can be done alone. */
export interface KillableDatabase {
  readonly engine: ApplicationEngine;
  readonly dsn: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** Where files and rows are. */
export interface CoupledScene {
  readonly application: Application;
  readonly pool: ClientPool;
  readonly random: SeededRandom;
}

export interface KillScene extends CoupledScene {
  readonly cluster: Cluster;
  readonly database: KillableDatabase;
}

/** What a round found. */
export interface RoundReport {
  /** Documents that are there, as file and as row. */
  readonly documents: number;
  /** Prepared transactions that the recovery committed, and aborted. */
  readonly committed: number;
  readonly aborted: number;
}

/** A process of the application that has connected and waits for its turn. */
export class Writer {
  /** Where it is when somebody dies. */
  readonly step: CoupledStep;
  readonly #child: ReturnType<typeof spawnOwned>;
  readonly #ready: Promise<void>;
  #told = "";
  #hasReached = false;

  constructor({ cluster, database, random }: KillScene, prefix: string) {
    const servers = cluster.nodes.map(({ url }) => url).join(",");
    const args = [database.engine, database.dsn, servers, cluster.secret ?? "", NAMESPACE, prefix];
    this.step = COUPLED_STEPS[random.between(0, COUPLED_STEPS.length)] ?? "begun";
    const chance = [random.between(0, 2 ** 31), this.step, random.between(1, MAX_REACHES)].map(String);
    this.#child = spawnOwned(process.execPath, [WRITER, ...args, ...chance], { stdio: ["pipe", "pipe", "inherit"] });
    this.#ready = new Promise((resolve, reject) => {
      this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        this.#told += text;
        if (this.#told.startsWith("ready\n")) resolve();
        this.#hasReached ||= this.#told.includes("\nreached\n");
      });
      this.#child.once("exit", (code) => reject(new Error(`a writer ended with ${code} before it was ready`)));
    });
    this.#ready.catch(() => undefined);
  }

  /** Resolves when it is at the step that chance chose for it, in one of the transactions under way. */
  async writeUntilStep(): Promise<void> {
    await this.#ready;
    this.#child.stdin?.write("go\n");
    await waitUntil("the writer is at its step", () => this.#hasReached, { pollMs: 1 });
  }

  /** Kills it; throws when it had told of something that is a defect. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await exitOf(this.#child);
    const defects = this.#told.split("\n").filter((line) => DEFECTS.test(line));
    if (defects.length > 0) throw new Error(`a writer failed in a way that is nobody's death: ${defects.join("; ")}`);
  }
}

/**
 * Lets the writer write, kills the victims at moments that chance chooses, brings back who is needed, recovers, and compares
 * files and rows. Throws when they differ, or when something is left prepared.
 */
export async function runKillRound(
  scene: KillScene,
  { writer, prefix, victims }: { writer: Writer; prefix: string; victims: readonly Victim[] },
): Promise<RoundReport> {
  const { cluster, database, random } = scene;
  const node = cluster.nodes[random.between(0, cluster.nodes.length)];
  if (node === undefined) throw new Error("there is no node to kill");
  await writer.writeUntilStep();
  const kill: Readonly<Record<Victim, () => Promise<void>>> = {
    client: () => writer.kill(),
    node: () => node.kill("SIGKILL"),
    database: () => database.kill(),
  };
  for (const [index, victim] of victims.entries()) {
    // Not to wait for something: where the others are when each of them dies is the chance that this explores.
    if (index > 0) await sleep(random.between(0, 40));
    await kill[victim]();
  }
  if (!victims.includes("client")) {
    await sleep(random.between(50, 300));
    await writer.kill();
  }
  if (victims.includes("database")) await database.restart();
  if (victims.includes("node")) {
    await node.start();
    await cluster.waitUntilAllSeeAll();
  }
  return { ...(await recover(scene)), documents: await compare(scene, prefix) };
}

/**
 * Until nothing is under way any more. The database may need a moment to notice that a client has died, and what a client
 * sent before it died may still arrive: what is only open is aborted, so that it cannot be prepared behind our back.
 */
export async function recover({
  pool,
  application,
}: CoupledScene): Promise<Pick<RoundReport, "committed" | "aborted">> {
  const found = { committed: 0, aborted: 0 };
  await waitUntil("nothing is under way any more", async () => {
    const open = await listIds(pool, "open");
    for (const id of open) await pool.finishTransaction(id, "abort").catch(ignoreEnded);
    const report = await pool.recoverTransactions(application.adapter, { minAgeMs: 0 });
    found.committed += report.committed.length;
    found.aborted += report.aborted.length;
    const left = [...open, ...report.running, ...report.failed, ...(await listIds(pool, "prepared"))];
    return left.length === 0;
  });
  return found;
}

async function listIds(pool: ClientPool, state: TransactionState): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of pool.listTransactions({ state })) ids.push(id);
  return ids;
}

function ignoreEnded(thrown: unknown): void {
  if (thrown instanceof KoboldError && thrown.code.startsWith("transaction_")) return;
  throw thrown;
}

/** Throws when files and rows below the prefix differ, or a key is held; answers how many there are. */
export async function compare({ pool, application, random }: CoupledScene, prefix: string): Promise<number> {
  const rows = await application.readRows();
  const files = pool.client(NAMESPACE);
  const digests = new Map<string, string>();
  for (const place of [`${prefix}/`, "shared/"]) {
    for await (const { key, digest } of files.list({ prefix: place })) digests.set(key, digest);
  }
  const wrong: string[] = [];
  for (const [key, body] of rows) {
    if (!key.startsWith(`${prefix}/`) && !key.startsWith("shared/")) continue;
    const digest = createHash("sha256").update(body).digest("hex");
    if (digests.get(key) !== digest) wrong.push(`${key}: row ${body.slice(0, 40)}, file ${digests.get(key)}`);
  }
  for (const key of digests.keys()) if (!rows.has(key)) wrong.push(`${key}: a file and no row`);
  if (wrong.length > 0) throw new Error(`files and rows differ:\n${wrong.join("\n")}`);
  await touch(files, [...digests.keys()][random.between(0, digests.size)]);
  return digests.size;
}

/** A key that is locked refuses this. */
async function touch(files: ReturnType<ClientPool["client"]>, key: string | undefined): Promise<void> {
  const info = key === undefined ? undefined : await files.stat(key);
  if (key !== undefined && info !== undefined) await files.copy(key, key, { ifMatch: info.digest });
}
