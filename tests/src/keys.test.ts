import type { ListReply, PutReply } from "@koboldfs/protocol";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listBlobFiles } from "./harness/blobs-on-disk.js";
import { NAMESPACE } from "./harness/cluster.js";
import { sha256 } from "./harness/raw-files.js";
import { jsonOf, rawRequest, refusalOf } from "./harness/raw-request.js";
import { useCluster } from "./harness/use-cluster.js";

/** The path as it goes over the wire, and the key that it means. */
const ODD_KEYS: readonly [string, string][] = [
  ["..", ".."],
  ["../../../../etc/passwd", "../../../../etc/passwd"],
  ["a/../b", "a/../b"],
  [".", "."],
  ["./x", "./x"],
  ["//", "//"],
  ["/", "/"],
  ["a//b", "a//b"],
  ["/leading", "/leading"],
  ["trailing/", "trailing/"],
  ["%2e%2e", ".."],
  ["%2e%2e/%2e%2e/x", "../../x"],
  ["%252e%252e", "%2e%2e"],
  ["a%2Fb%2f", "a/b/"],
  ["with%20spaces%20", "with spaces "],
  ["%20", " "],
  ["plus+plus", "plus+plus"],
  ["100%25", "100%"],
  ["question%3Fmark%23hash", "question?mark#hash"],
  ["semi;colon=1&x", "semi;colon=1&x"],
  ["back%5Cslash", "back\\slash"],
  ["line%0Abreak%0D", "line\nbreak\r"],
  ["%01%7F", "\u0001\u007f"],
  ["%F0%9F%A6%84/%E2%9C%93", "🦄/✓"],
  ["%C3%A9", "é"],
  ["e%CC%81", "e\u0301"],
  ["Case", "Case"],
  ["case", "case"],
  ["k", "k"],
  ["n".repeat(1024), "n".repeat(1024)],
  ["%C3%A4".repeat(512), "ä".repeat(512)],
];

const ILLEGAL_PATHS: readonly [string, string][] = [
  ["NUL", "nul%00byte"],
  ["1,025 bytes", "n".repeat(1025)],
  ["1,025 bytes in fewer characters", `${"%C3%A4".repeat(512)}n`],
  ["no key", ""],
  ["bytes that are not UTF-8", "%FF%FE"],
  ["a surrogate in UTF-8", "%ED%A0%80"],
  ["a broken escape", "%zz"],
];

function pathOf(raw: string): string {
  return `/v1/files/${NAMESPACE}/${raw}`;
}

describe("keys over the wire", () => {
  const cluster = useCluster({ nodes: 3, engine: "sqlite" });

  it("round-trip exactly from one node to another, whatever they look like", async () => {
    const [a, c] = [cluster().node("a").url, cluster().node("c").url];
    const meant = new Map<string, string>();
    for (const [raw, key] of ODD_KEYS) {
      const body = `content of ${JSON.stringify(raw)}`;
      const reply = await rawRequest(a, { method: "PUT", path: pathOf(raw), body });
      expect(reply.status, raw).toBeOneOf([200, 201]);
      expect(jsonOf<PutReply>(reply).digest).toBe(sha256(body));
      meant.set(key, body);
    }
    for (const [raw, key] of ODD_KEYS) {
      const reply = await rawRequest(c, { path: pathOf(raw) });
      expect([raw, reply.status, reply.body.toString()]).toEqual([raw, 200, meant.get(key)]);
    }
    expect(await listKeys(c)).toEqual([...meant.keys()].sort(byBytes));
  });

  it("that are illegal are refused with 400 and name nothing", async () => {
    const before = await listKeys(cluster().node("a").url);
    for (const [why, raw] of ILLEGAL_PATHS) {
      for (const method of ["PUT", "GET", "DELETE"]) {
        if (raw === "" && method !== "PUT") continue;
        const reply = await rawRequest(cluster().node("a").url, {
          method,
          path: pathOf(raw),
          body: method === "PUT" ? "x" : "",
        });
        expect([why, method, refusalOf(reply)]).toEqual([why, method, { status: 400, code: "invalid_key" }]);
      }
    }
    expect(await listKeys(cluster().node("b").url)).toEqual(before);
  });

  it("never leave the blob folder", async () => {
    await cluster().waitUntilSettled();
    for (const node of cluster().nodes) {
      const [volume] = node.data as [string];
      expect(readdirSync(join(volume, "..")).sort()).toEqual(["data"]);
      for (const file of listBlobFiles(node)) {
        const [namespace, first, second, digest] = file.split("/");
        expect([namespace, `${first}${second}`]).toEqual([NAMESPACE, digest?.slice(0, 4)]);
        expect(digest).toMatch(/^[0-9a-f]{64}$/);
      }
    }
  });
});

async function listKeys(server: string): Promise<string[]> {
  const reply = await rawRequest(server, { path: `/v1/files/${NAMESPACE}?limit=1000` });
  expect(reply.status).toBe(200);
  return jsonOf<ListReply>(reply).files.map((file) => file.key);
}

function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
