import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ChangeInfo, WebhookMessage } from "@koboldfs/protocol";
import { readBlocks } from "../documents/markdown-blocks.js";
import { makeTempFolder } from "./temp-folder.js";

export type VerifyWebhook = (secret: string, headers: IncomingHttpHeaders, body: string) => WebhookMessage;

/** The lines of docs/webhooks.md, as a receiver would have them. */
export async function loadVerifyWebhook(): Promise<VerifyWebhook> {
  const [block, ...more] = readBlocks("docs/webhooks.md").filter(({ language }) => language === "js");
  if (block === undefined || more.length > 0) throw new Error("docs/webhooks.md shows how to verify once");
  const folder = makeTempFolder();
  try {
    const path = join(folder.path, "verify.mjs");
    writeFileSync(path, block.text);
    return ((await import(pathToFileURL(path).href)) as { verifyWebhook: VerifyWebhook }).verifyWebhook;
  } finally {
    folder.remove();
  }
}

/** Takes messages, verifies them, and answers as it is told to. */
export class WebhookReceiver {
  /** Of the webhook; set before anything comes. */
  secret = "";
  status = 200;
  /** Messages with such a change are answered 503, whatever the status says. */
  refuses: (change: ChangeInfo) => boolean = () => false;
  /** Keys of what it refused. */
  readonly refusedKeys = new Set<string>();
  /** What it took, in the order in which it came. */
  readonly changes: ChangeInfo[] = [];
  readonly bad: unknown[] = [];
  readonly #verify: VerifyWebhook;
  readonly #server = createServer((request, response) => {
    void (async () => {
      let body = "";
      for await (const piece of request) body += String(piece);
      response.writeHead(this.#take(request.headers, body)).end();
    })();
  });

  private constructor(verify: VerifyWebhook) {
    this.#verify = verify;
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(await loadVerifyWebhook());
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  get keys(): string[] {
    return this.changes.map(({ key }) => key);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Answers the status of the answer. */
  #take(headers: IncomingHttpHeaders, body: string): number {
    try {
      const message = this.#verify(this.secret, headers, body);
      if (message.kind !== "changes") throw new Error(`something is missing: ${body}`);
      const { changes } = message;
      const status = changes.some(this.refuses) ? 503 : this.status;
      if (status === 200) this.changes.push(...changes);
      else for (const { key } of changes) this.refusedKeys.add(key);
      return status;
    } catch (error) {
      this.bad.push(error);
      return 400;
    }
  }
}
