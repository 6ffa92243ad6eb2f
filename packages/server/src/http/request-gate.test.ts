import { expect, it } from "vitest";
import { send } from "./raw-client.js";
import { startTestServer } from "./test-server.js";

it("notes what is done for clients, here and for those of a peer, and nothing else", async () => {
  const noted: string[] = [];
  const ended: string[] = [];
  let path = "";
  const traffic = { begin: () => void noted.push(path), end: () => void ended.push(path) };
  const test = await startTestServer({ http: { traffic } });
  try {
    const ask = async (method: string, next: string) => {
      path = `${method} ${next}`;
      await send(test.port, { method, path: next });
    };
    await ask("GET", "/v1/files/demo/key");
    await ask("PUT", "/v1/node/blobs/demo");
    await ask("GET", "/v1/node/blobs/demo/0");
    await ask("POST", "/v1/node/nudge");
    for (const look of ["/v1/changes?limit=1", "/v1/nodes", "/v1/nodes/a/plan", "/v1/status", "/metrics", "/healthz"])
      await ask("GET", look);
    await ask("GET", "/readyz");
    expect(ended).toEqual(noted);
    expect(noted).toEqual(["GET /v1/files/demo/key", "PUT /v1/node/blobs/demo"]);
  } finally {
    await test.close();
  }
});
