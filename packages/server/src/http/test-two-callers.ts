import { type RawReply, send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

export interface CallOptions {
  readonly body?: string;
  /** Sent as JSON, in place of `body`. */
  readonly json?: object;
  readonly tx?: string;
  readonly headers?: Record<string, string>;
  /** Whose token it comes with. */
  readonly as?: "mine" | "theirs";
}

/** What the transactions of these tests may stage. */
const LIMITS = { transactionBytes: 1000, namespaceBytes: 1500 };

/** One catalog behind two servers with a token each, so that one caller's transactions are not the other's. */
export class TwoCallers {
  readonly test: TestServer;
  readonly #stranger: TestServer;

  private constructor(test: TestServer, stranger: TestServer) {
    this.test = test;
    this.#stranger = stranger;
  }

  static async start(): Promise<TwoCallers> {
    const own = { peers: ["anna"], staging: LIMITS };
    const test = await startTestServer({ ...own, token: "mine" });
    return new TwoCallers(test, await startTestServer({ ...own, catalog: test.catalog, token: "theirs" }));
  }

  call(method: string, path: string, options: CallOptions = {}): Promise<RawReply> {
    const { json, tx, as = "mine", body = json && JSON.stringify(json) } = options;
    return send(as === "mine" ? this.test.port : this.#stranger.port, {
      ...{ method, path },
      headers: {
        authorization: `Bearer ${as}`,
        ...(json !== undefined && { "content-type": "application/json" }),
        ...(tx !== undefined && { "koboldfs-transaction": tx }),
        ...options.headers,
      },
      ...(body !== undefined && { body }),
    });
  }

  async close(): Promise<void> {
    await this.#stranger.close();
    await this.test.close();
  }
}
