import { type ClientPool, KoboldError } from "@koboldfs/client";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../harness/random.js";
import { sha256 } from "../harness/raw-files.js";
import type { Change, Fact, Look } from "./check-transactions.js";
import { factsOf, nameOf, type Place, type TransactionRecording } from "./transaction-recording.js";

/** Longer than a prepared transaction of somebody else holds its keys, so that some wait for it and some are refused. */
const PATIENCE_MS = 4_000;
const MAX_PAUSE_MS = 40;

type Tx = Awaited<ReturnType<ClientPool["begin"]>>;
type Files = ReturnType<Tx["client"]>;
type Ending = "commit" | "two-phase" | "abort" | "prepare and abort" | "leave";

const ENDINGS: readonly Ending[] = [
  ...["commit", "commit", "commit", "commit", "two-phase", "two-phase"],
  ...["abort", "prepare and abort", "leave"],
] as readonly Ending[];

export interface ActorParts {
  readonly pool: ClientPool;
  readonly recording: TransactionRecording;
  readonly random: SeededRandom;
}

/** One transaction over chosen keys: what it stages, what it sees, and how it ends. */
export class TransactionActor {
  readonly #parts: ActorParts;
  readonly #tag: string;
  readonly #steps: (Change | Look)[] = [];
  #writes = 0;

  constructor(parts: ActorParts, tag: string) {
    this.#parts = parts;
    this.#tag = tag;
  }

  async run(): Promise<void> {
    const { pool, random, recording } = this.#parts;
    let tx: Tx;
    try {
      tx = await pool.begin({ deadlineMs: PATIENCE_MS });
    } catch (thrown) {
      return recording.count(codeOf(thrown));
    }
    let ending = ENDINGS[random.between(0, ENDINGS.length)] as Ending;
    try {
      for (let left = random.between(1, 5); left > 0; left -= 1) await this.#step(tx);
      await sleep(random.between(0, MAX_PAUSE_MS));
    } catch (thrown) {
      recording.count(codeOf(thrown));
      ending = "abort";
    }
    await this.#end(tx, ending);
  }

  /** A put under `If-Match` by itself: to the others it is a transaction of one change. */
  async putAlone(): Promise<void> {
    const { recording, pool } = this.#parts;
    const place = this.#anyPlace();
    const files = pool.client(place.namespace);
    let change: Change | undefined;
    let digest = "";
    let commitMs = 0;
    try {
      const before = await files.stat(place.key, { deadlineMs: PATIENCE_MS });
      const value = before === undefined ? undefined : recording.textOf(before.digest);
      const body = this.#nextValue(value);
      digest = sha256(body);
      change = changeOf({ relies: [[place, value]], effects: [[place, body.toString()]] });
      commitMs = performance.now();
      const condition = before === undefined ? { ifNoneMatch: "*" } : { ifMatch: before.digest };
      const { version } = await files.put(place.key, body, { ...condition, deadlineMs: PATIENCE_MS });
      recording.note({ tag: this.#tag, steps: [change], commitMs, endMs: performance.now(), version });
    } catch (thrown) {
      recording.count(codeOf(thrown));
      if (change === undefined) return;
      const record = { tag: this.#tag, steps: [change], commitMs };
      if (isRefusal(thrown)) recording.note({ ...record, endMs: performance.now(), version: undefined });
      else recording.noteUnanswered({ record, put: { ...place, digest } });
    }
  }

  async #step(tx: Tx): Promise<void> {
    const { random } = this.#parts;
    const chance = random.next();
    if (chance < 0.35) await this.#increment(tx, this.#anyPlace());
    else if (chance < 0.5) await this.#writeAll(tx);
    else if (chance < 0.6) await this.#delete(tx, this.#anyPlace());
    else if (chance < 0.8) await this.#move(tx, chance < 0.72 ? "rename" : "copy");
    else await this.#list(tx);
  }

  async #increment(tx: Tx, place: Place): Promise<void> {
    const { random } = this.#parts;
    const value = await this.#read(tx, place);
    await sleep(random.between(0, MAX_PAUSE_MS));
    const body = this.#nextValue(value);
    const condition = value === undefined ? { ifNoneMatch: "*" } : { ifMatch: sha256(value) };
    await filesOf(tx, place).put(place.key, body, { ...condition, deadlineMs: PATIENCE_MS });
    this.#note({ relies: [[place, value]], effects: [[place, body.toString()]] });
    if (random.next() < 0.3) await this.#read(tx, place);
    // What was relied on stays relied on when the own change is written over, with a condition or without.
    if (random.next() < 0.2) await this.#put(tx, place, random.next() < 0.5 ? sha256(body) : undefined);
  }

  async #writeAll(tx: Tx): Promise<void> {
    for (const place of this.#parts.recording.places) await this.#put(tx, place, undefined);
  }

  async #put(tx: Tx, place: Place, ifMatch: string | undefined): Promise<void> {
    const body = this.#nextValue(undefined);
    const condition = ifMatch === undefined ? {} : { ifMatch };
    await filesOf(tx, place).put(place.key, body, { ...condition, deadlineMs: PATIENCE_MS });
    this.#note({ relies: [], effects: [[place, body.toString()]] });
  }

  async #delete(tx: Tx, place: Place): Promise<void> {
    const value = await this.#read(tx, place);
    if (value === undefined) return;
    const files = filesOf(tx, place);
    if (!(await files.delete(place.key, { ifMatch: sha256(value), deadlineMs: PATIENCE_MS }))) throw new Gone();
    this.#note({ relies: [[place, value]], effects: [[place, undefined]] });
  }

  async #move(tx: Tx, how: "rename" | "copy"): Promise<void> {
    const from = this.#anyPlace();
    const to = this.#anyPlace();
    if (to.namespace !== from.namespace || to.key === from.key) return;
    const value = await this.#read(tx, from);
    if (value === undefined) return;
    await filesOf(tx, from)[how](from.key, to.key, { ifMatch: sha256(value), deadlineMs: PATIENCE_MS });
    const gone: [Place, string | undefined][] = how === "rename" ? [[from, undefined]] : [];
    this.#note({ relies: [[from, value]], effects: [...gone, [to, value]] });
  }

  async #read(tx: Tx, place: Place): Promise<string | undefined> {
    const startMs = performance.now();
    const bytes = await filesOf(tx, place).getBytes(place.key, { deadlineMs: PATIENCE_MS });
    const value = bytes === undefined ? undefined : Buffer.from(bytes).toString();
    const facts = [{ key: nameOf(place), value }];
    this.#steps.push({ kind: "look", startMs, endMs: performance.now(), facts });
    return value;
  }

  async #list(tx: Tx): Promise<void> {
    const { recording } = this.#parts;
    const { namespace } = this.#anyPlace();
    const startMs = performance.now();
    const files: { key: string; digest: string }[] = [];
    for await (const file of tx.client(namespace).list({ deadlineMs: PATIENCE_MS })) files.push(file);
    const facts = factsOf(recording, namespace, files);
    this.#steps.push({ kind: "look", startMs, endMs: performance.now(), facts });
  }

  async #end(tx: Tx, ending: Ending): Promise<void> {
    const { random, recording } = this.#parts;
    const record = { tag: this.#tag, steps: this.#steps };
    const options = { deadlineMs: PATIENCE_MS };
    let commitMs: number | undefined;
    let version: number | undefined;
    try {
      if (ending === "leave" && random.next() < 0.5) await tx.prepare(options);
      if (ending === "two-phase" || ending === "prepare and abort") {
        await tx.prepare(options);
        await sleep(random.between(0, MAX_PAUSE_MS));
      }
      if (ending === "leave") return recording.noteUnanswered({ record: { ...record, commitMs }, id: tx.id });
      if (ending === "commit" || ending === "two-phase") {
        commitMs = performance.now();
        ({ version } = await tx.commit(options));
      } else {
        await tx.abort(options);
      }
      recording.note({ ...record, commitMs, endMs: performance.now(), version });
    } catch (thrown) {
      recording.count(codeOf(thrown));
      await tx.abandon();
      // Also after a refusal: the server is asked once more what came of it.
      recording.noteUnanswered({ record: { ...record, commitMs }, id: tx.id });
    }
  }

  #anyPlace(): Place {
    const { recording, random } = this.#parts;
    const { places } = recording;
    return places[random.between(0, places.length)] as Place;
  }

  /** Counts on from what was there, and says who did. */
  #nextValue(before: string | undefined): Buffer {
    this.#writes += 1;
    const count = Number(before?.split(" ")[0] ?? 0) + 1;
    return this.#parts.recording.remember(`${count} ${this.#tag}.${this.#writes}`);
  }

  #note(parts: ChangeParts): void {
    this.#steps.push(changeOf(parts));
  }
}

interface ChangeParts {
  readonly relies: readonly (readonly [Place, string | undefined])[];
  readonly effects: readonly (readonly [Place, string | undefined])[];
}

function changeOf({ relies, effects }: ChangeParts): Change {
  const factOf = ([place, value]: readonly [Place, string | undefined]): Fact => ({ key: nameOf(place), value });
  return { kind: "change", relies: relies.map(factOf), effects: effects.map(factOf) };
}

function filesOf(tx: Tx, { namespace }: Place): Files {
  return tx.client(namespace);
}

class Gone extends Error {}

/** A refusal says that nothing happened; anything else may have. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof KoboldError && thrown.rule.status < 500;
}

/** Anything but the errors that clients are promised is a fault of its own. */
function codeOf(thrown: unknown): string {
  if (thrown instanceof Gone) return "gone";
  if (thrown instanceof KoboldError) return thrown.code;
  throw thrown;
}
