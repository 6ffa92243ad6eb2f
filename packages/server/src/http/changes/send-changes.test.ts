import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { ChangeFeed } from "../../mirror/changes/change-feed.js";
import { MemoryMirror } from "../../mirror/memory/memory-mirror.js";
import { WatchedMirror } from "../../mirror/watched-mirror.js";
import { putOf, setNamespaceOf } from "../../model/test-changes.js";
import { ModelCatalog, TEST_CLUSTER } from "../../model/test-model-catalog.js";
import { SimulatedClock } from "../../runtime/simulated-clock.js";
import { JSON_LINES } from "./change-forms.js";
import { sendChanges, type SendOptions } from "./send-changes.js";

/** The socket of a reader that takes nothing until it is told to. */
class SlowResponse extends EventEmitter {
  readonly written: string[] = [];
  isEnded = false;

  writeHead() {
    return this;
  }
  flushHeaders() {}
  write(text: string) {
    this.written.push(text);
    return false;
  }
  end(text: string) {
    this.written.push(text);
    this.isEnded = true;
  }
  get lines(): number {
    return this.written.join("").split("\n").length - 1;
  }
}

const CHANGES = 2000;

let clock: SimulatedClock;
let feed: ChangeFeed;
let response: SlowResponse;
let commitMore: () => Promise<void>;

beforeEach(async () => {
  clock = new SimulatedClock();
  const model = new ModelCatalog();
  const mirror = new WatchedMirror(new MemoryMirror(TEST_CLUSTER));
  model.commit([setNamespaceOf()]);
  for (let group = 0; group < CHANGES / 50; group += 1) {
    model.commit(Array.from({ length: 50 }, (_, index) => putOf(`${group}-${index}`)));
  }
  await mirror.append(model.groups);
  const catalog = { head: async () => ({ ...model.head, epoch: 0 }), findNamespace: async () => undefined };
  feed = new ChangeFeed({ mirror, catalog, clock });
  response = new SlowResponse();
  commitMore = async () => {
    model.commit([putOf("more")]);
    await mirror.append(model.groups.slice(-1));
  };
});

async function send(options: Partial<SendOptions> = {}): Promise<void> {
  const reader = await feed.open({}, 1);
  await sendChanges(response as unknown as ServerResponse, {
    ...{ reader, form: JSON_LINES, endsWithFirst: true, waitMs: 0, limit: 10_000 },
    ...{ stopping: feed.stopping, head: () => feed.head(), clock },
    ...options,
  });
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await nextTurn();
}

describe("sending changes", () => {
  it("reads no further than its reader has taken", async () => {
    const sent = send();
    await settle();
    const first = response.lines;
    expect(first).toBeLessThanOrEqual(250);
    response.emit("drain");
    await settle();
    expect(response.lines).toBe(2 * first);
    while (!response.isEnded) {
      response.emit("drain");
      await nextTurn();
    }
    await sent;
    expect(response.lines).toBe(CHANGES + 1);
  });

  it("ends at once when the reader goes away, in the midst of a piece or of a wait", async () => {
    const sent = send();
    await settle();
    response.emit("close");
    await sent;
    expect(response.isEnded).toBe(false);
    response = new SlowResponse();
    const waiting = send({ reader: await feed.open({}, feed.head()), waitMs: 60_000 });
    await settle();
    response.emit("close");
    await waiting;
    expect(clock.elapsedMs).toBe(0);
  });

  it("says while it waits where it stands, so that nobody takes silence for death", async () => {
    const waiting = send({ reader: await feed.open({}, feed.head()), waitMs: 60_000 });
    for (let second = 0; second < 12; second += 1) {
      await clock.advance(1000);
      response.emit("drain");
    }
    const head = feed.head();
    expect(response.written).toEqual(Array(2).fill(`{"position":${head},"head":${head}}\n`));
    await commitMore();
    await settle();
    response.emit("drain");
    await waiting;
    expect(response.written.at(-2)).toContain('"key":"more"');
    expect(response.isEnded).toBe(true);
  });
});
