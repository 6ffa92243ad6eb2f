import { createHmac } from "node:crypto";
import { Client } from "@koboldfs/client";
import { describe, expect, it } from "vitest";
import { NAMESPACE } from "./harness/cluster.js";
import { mustPut } from "./harness/raw-files.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { loadVerifyWebhook, WebhookReceiver } from "./harness/webhook-receiver.js";

/** As the specification says. */
function sign(secret: string, { id, timestamp, body }: { id: string; timestamp: number; body: string }) {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}

describe("a webhook of a cluster", () => {
  it("gets every change in order while its receiver is away and the node that delivers is killed", async () => {
    const receiver = await WebhookReceiver.start();
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const client = new Client(NAMESPACE, { servers: [a.url, b.url], token: cluster.secret ?? "" });
      const { id, secret } = await client.addWebhook({ url: receiver.url, namespace: NAMESPACE, prefix: "in/" });
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
      const first = [...new Set(receiver.changes.map(({ number }) => number))];
      expect(first).toEqual(first.toSorted((x, y) => x - y));
      expect(receiver.keys.filter((key) => !key.startsWith("in/"))).toEqual([]);
      await client.removeWebhook(id);
      expect(await client.webhooks()).toEqual([]);
      await client.close();
    });
    receiver.stop();
  });

  it("can tell a message that is not from its cluster, or old", async () => {
    const verify = await loadVerifyWebhook();
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
