import type { ListReply } from "@koboldfs/protocol";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../harness/random.js";
import { filePath, sha256 } from "../harness/raw-files.js";
import type { Fact } from "./check-transactions.js";
import { factsOf, nameOf, type Place, type TransactionRecording } from "./transaction-recording.js";

const PATIENCE_MS = 4_000;
/** After a look that nobody answered. */
const PAUSE_MS = 20;

/** What was answered, unless it is old by its own word. */
interface Answer {
  readonly startMs: number;
  readonly response: Response;
  readonly bytes: Buffer;
}

/** Looks from outside of all transactions, over plain HTTP and through any node. */
export class RecordedLooks {
  readonly #recording: TransactionRecording;
  readonly #random: SeededRandom;
  readonly #servers: readonly string[];

  constructor(recording: TransactionRecording, random: SeededRandom, servers: readonly string[]) {
    this.#recording = recording;
    this.#random = random;
    this.#servers = servers;
  }

  async lookOnce(): Promise<void> {
    const chance = this.#random.next();
    const { places, keys } = this.#recording;
    try {
      if (chance < 0.3) await this.get(this.#anyServer(), places[this.#random.between(0, places.length)] as Place);
      else if (chance < 0.6)
        await this.list(this.#anyServer(), [...keys.keys()][this.#random.between(0, keys.size)] as string);
      else await this.#lookAtPast();
    } catch (thrown) {
      if (!(thrown instanceof NoAnswer)) throw thrown;
      this.#recording.count(thrown.message);
      await sleep(PAUSE_MS);
    }
  }

  async get(server: string, place: Place): Promise<void> {
    const answer = await this.#ask(server, filePath(place.key, place.namespace));
    this.#recording.noteLook({
      kind: "look",
      startMs: answer.startMs,
      endMs: performance.now(),
      facts: [this.#factOf(place, answer)],
    });
  }

  async list(server: string, namespace: string): Promise<ListReply> {
    const { bytes, startMs } = await this.#ask(server, `/v1/files/${namespace}`);
    const reply = JSON.parse(bytes.toString()) as ListReply;
    const facts = factsOf(this.#recording, namespace, reply.files);
    this.#recording.noteLook({ kind: "look", startMs, endMs: performance.now(), facts });
    return reply;
  }

  /** All namespaces and some keys as of the number of a file that somebody sees now, each through any node. */
  async #lookAtPast(): Promise<void> {
    const { keys, places } = this.#recording;
    const { files } = await this.list(
      this.#anyServer(),
      [...keys.keys()][this.#random.between(0, keys.size)] as string,
    );
    const asOf = files[this.#random.between(0, files.length)]?.version;
    if (asOf === undefined) return;
    const startMs = performance.now();
    const facts: Fact[] = [];
    for (const namespace of keys.keys()) {
      const { bytes } = await this.#ask(this.#anyServer(), `/v1/files/${namespace}?as-of=${asOf}`);
      facts.push(...factsOf(this.#recording, namespace, (JSON.parse(bytes.toString()) as ListReply).files));
    }
    const place = places[this.#random.between(0, places.length)] as Place;
    const answer = await this.#ask(this.#anyServer(), `${filePath(place.key, place.namespace)}?as-of=${asOf}`);
    facts.push(this.#factOf(place, answer));
    this.#recording.noteLook({ kind: "look", startMs, endMs: performance.now(), asOf, facts });
  }

  #factOf(place: Place, { response, bytes }: Answer): Fact {
    return { key: nameOf(place), value: response.status === 404 ? undefined : this.#recording.textOf(sha256(bytes)) };
  }

  async #ask(server: string, path: string): Promise<Answer> {
    const startMs = performance.now();
    try {
      const response = await fetch(server + path, { signal: AbortSignal.timeout(PATIENCE_MS) });
      const bytes = Buffer.from(await response.arrayBuffer());
      // 404 has the codes of a file that is not there; that of a namespace would be a defect of the test.
      if (response.status !== 200 && response.status !== 404) throw new NoAnswer(`look: status ${response.status}`);
      if (response.headers.has("koboldfs-as-of")) throw new NoAnswer("look: from a mirror");
      return { startMs, response, bytes };
    } catch (thrown) {
      throw thrown instanceof NoAnswer ? thrown : new NoAnswer("look: no answer");
    }
  }

  #anyServer(): string {
    return this.#servers[this.#random.between(0, this.#servers.length)] as string;
  }
}

class NoAnswer extends Error {}
