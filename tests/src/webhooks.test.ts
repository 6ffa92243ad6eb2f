import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client } from "@koboldfs/client";
import type { WebhookMessage } from "@koboldfs/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBlocks } from "./documents/markdown-blocks.js";
import { NAMESPACE } from "./harness/cluster.js";
import { mustPut } from "./harness/raw-files.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

type Verify = (secret: string, headers: IncomingHttpHeaders, body: string) => WebhookMessage;

/** The lines of docs/webhooks.md, as a receiver would have them. */
let verify: Verify;
const folder = mkdtempSync(join(tmpdir(), "koboldfs-webhooks-"));
beforeAll(async () => {
  const [block, ...more] = readBlocks("docs/webhooks.md").filter(({ language }) => language === "js");
  expect(more).toEqual([]);
  const path = join(folder, "verify.mjs");
  writeFileSync(path, block?.text ?? "");
  verify = ((await import(pathToFileURL(path).href)) as { verifyWebhook: Verify }).verifyWebhook;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As the specification says. */
function sign(secret: string, { id, timestamp, body }: { id: string; timestamp: number; body: string }) {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}

/** Takes messages, verifies them, and answers as it is told to. */
async function startReceiver() {
  const receiver = { secret: "", status: 200, numbers: [] as number[], keys: [] as string[], bad: [] as unknown[] };
  const server = createServer((request, response) => {
    void (async () => {
      let body = "";
      for await (const piece of request) body += String(piece);
      try {
        const message = verify(receiver.secret, request.headers, body);
        if (receiver.status === 200 && message.kind === "changes") {
          receiver.numbers.push(...message.changes.map(({ number }) => number));
          receiver.keys.push(...message.changes.map(({ key }) => key));
        }
      } catch (error) {
        receiver.bad.push(error);
      }
      response.writeHead(receiver.status).end();
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { receiver, url, stop };
}

describe("a webhook of a cluster", () => {
  it("gets every change in order while its receiver is away and the node that delivers is killed", async () => {
    const { receiver, url, stop } = await startReceiver();
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const client = new Client(NAMESPACE, { servers: [a.url, b.url], token: cluster.secret ?? "" });
      const { id, secret } = await client.addWebhook({ url, namespace: NAMESPACE, prefix: "in/" });
      receiver.secret = secret;
      const put = async (what: string) => {
        for (let index = 0; index < 10; index += 1) {
          await mustPut((b.isRunning && index % 2 ? b : a).url, `in/${what}-${index}`, what);
          await mustPut(a.url, `out/${what}-${index}`, what);
        }
      };
      const allOf = (count: number) => waitUntil(`${count} came`, () => new Set(receiver.keys).size === count);
      await put("first");
      await allOf(10);
      receiver.status = 503;
      await put("second");
      await waitUntil("the status tells of it", async () => {
        const { webhooks } = await client.status();
        return webhooks[0]?.failures !== 0 && webhooks[0]?.error === "it answered 503";
      });
      await a.kill("SIGKILL");
      receiver.status = 200;
      await allOf(20);
      await a.start();
      await put("third");
      await allOf(30);
      expect(receiver.bad).toEqual([]);
      // At least once, and never back: what came again is a piece that was on its way when a node died.
      const first = receiver.numbers.filter((number, index) => receiver.numbers.indexOf(number) === index);
      expect(first).toEqual(first.toSorted((x, y) => x - y));
      expect(receiver.keys.filter((key) => !key.startsWith("in/"))).toEqual([]);
      await client.removeWebhook(id);
      expect(await client.webhooks()).toEqual([]);
      await client.close();
    });
    stop();
  });

  it("can tell a message that is not from its cluster, or old", () => {
    const secret = `whsec_${Buffer.from("secret").toString("base64")}`;
    const now = Math.floor(Date.now() / 1000);
    const good = { id: "m", timestamp: now, body: '{"kind":"gap"}' };
    expect(verify(secret, sign(secret, good), good.body)).toEqual({ kind: "gap" });
    expect(() => verify(secret, sign(secret, good), '{"kind":"other"}')).toThrow("not ours");
    expect(() => verify(secret, sign("whsec_b3RoZXI=", good), good.body)).toThrow("not ours");
    const old = { ...good, timestamp: now - 600 };
    expect(() => verify(secret, sign(secret, old), old.body)).toThrow("old");
    expect(() => verify(secret, { ...sign(secret, old), "webhook-timestamp": String(now) }, old.body)).toThrow(
      "not ours",
    );
  });
});
