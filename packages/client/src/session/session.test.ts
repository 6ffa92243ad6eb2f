import { afterEach, describe, expect, it } from "vitest";
import { createNodePlatform } from "../node/node-platform.js";
import { ScriptedServer } from "../testing/scripted-server.js";
import { Session } from "./session.js";

const HOLDER = "0123456789abcdef0123456789abcdef";
/** A server that says so for longer than this is asked without end. */
const TIMES = 5;
const LIMITS = { deadlineMs: 3_000, responseTimeoutMs: 3_000, idleTimeoutMs: 3_000, maxInFlight: 1 };
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Held {
  readonly status: number;
  /** Whether the transaction turns out to be committed. */
  readonly isCommitted: boolean;
}

/** A session with a server that goes on to say that a prepared transaction holds what is read, and answers each time anew. */
async function openHeld({ status, isCommitted }: Held) {
  const finished: string[] = [];
  const server = await ScriptedServer.start((_request, response) => {
    const count = server.requests.length;
    response.writeHead(status, count > TIMES ? {} : { "koboldfs-transaction": HOLDER }).end(`answer ${count}`);
  });
  cleanups.push(() => server.kill());
  const finishHeld = async (transaction: string): Promise<boolean> => {
    finished.push(transaction);
    return isCommitted;
  };
  const platform = createNodePlatform({ connectTimeoutMs: 2_000, connections: 1 });
  const session = new Session(platform, { servers: [server.url], ...LIMITS, finishHeld });
  cleanups.push(() => session.close());
  const read = async (within = session) => {
    const response = await within.exchange({ server: server.url, method: "GET", path: "/v1/files/demo/key" });
    return Buffer.from(await response.readBytes(100)).toString();
  };
  return { session, server, finished, read };
}

describe("a read that meets a prepared transaction", () => {
  it("is made anew once when that is committed, also while the server goes on to show it as prepared", async () => {
    const { server, finished, read } = await openHeld({ status: 200, isCommitted: true });
    expect(await read()).toBe("answer 2");
    expect([server.requests.length, finished]).toEqual([2, [HOLDER]]);
  });

  it("believes then that there is nothing", async () => {
    const { server, read } = await openHeld({ status: 404, isCommitted: true });
    await expect(read()).rejects.toMatchObject({ error: { code: "not_found" } });
    expect(server.requests).toHaveLength(2);
  });

  it("believes the first answer when that is not decided, or not to commit", async () => {
    const { finished, read } = await openHeld({ status: 200, isCommitted: false });
    expect([await read(), finished]).toEqual(["answer 1", [HOLDER]]);
  });

  it("asks for no decision inside of a transaction, whose own id the answer may bear", async () => {
    const { session, finished, read } = await openHeld({ status: 200, isCommitted: true });
    expect([await read(session.within(HOLDER)), finished]).toEqual(["answer 1", []]);
  });
});
