import { HEADER, KoboldError, type NodeId } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { Clock } from "../runtime/clock.js";
import { type NodeRequest, NodeSigner, NodeVerifier } from "./node-signature.js";

const SECRET = "a secret of tests";
const CLUSTER = "0123456789abcdef0123456789abcdef";
const NODE = "00112233aabbccdd" as NodeId;
const PEER = "ddccbbaa33221100" as NodeId;
const START = Date.UTC(2030, 0, 1);

class HeldClock implements Clock {
  wall = START;
  running = 0;
  readonly now = () => this.wall;
  readonly monotonic = () => this.running;
  readonly sleep = () => Promise.resolve();
  readonly schedule = () => () => {};
}

function make(options: { secret?: string; cluster?: string } = {}) {
  const clock = new HeldClock();
  const signer = new NodeSigner({ secret: SECRET, cluster: CLUSTER, clock, node: NODE, ...options });
  const verifierClock = new HeldClock();
  const verifier = new NodeVerifier({ secret: SECRET, cluster: CLUSTER, self: PEER, clock: verifierClock });
  return { clock, signer, verifier, verifierClock };
}

function signed(signer: NodeSigner, request: Partial<NodeRequest> = {}): NodeRequest {
  const plain = { method: "PUT", rawPath: "/v1/node/blobs/photos", headers: {}, ...request };
  return { ...plain, headers: { ...plain.headers, [HEADER.nodeSignature]: signer.sign(plain, PEER) } };
}

function refusalOf(verifier: NodeVerifier, request: NodeRequest): string {
  try {
    verifier.verify(request);
  } catch (error) {
    if (error instanceof KoboldError && error.code === "unauthorized") return error.message;
    throw error;
  }
  return "accepted";
}

describe("a request between nodes", () => {
  it("is accepted when it is signed with the cluster secret, and names the node", () => {
    const { signer, verifier } = make();
    expect(verifier.verify(signed(signer))).toBe(NODE);
  });

  it("is refused without a signature, and with one that is no signature", () => {
    const { signer, verifier } = make();
    const request = signed(signer);
    const broken = [undefined, "", "v1", `${signatureOf(request)}0`, "v2 a b c d"];
    for (const value of broken) {
      expect(refusalOf(verifier, { ...request, headers: { [HEADER.nodeSignature]: value } })).toContain("not signed");
    }
  });

  it("is refused when it is signed with another secret, or for another cluster", () => {
    const other = make({ secret: "another secret" });
    expect(refusalOf(other.verifier, signed(other.signer))).toContain("this cluster's secret");
    const elsewhere = make({ cluster: "f".repeat(32) });
    expect(refusalOf(elsewhere.verifier, signed(elsewhere.signer))).toContain("this cluster's secret");
  });

  const headers = { [HEADER.blobDigest]: "a".repeat(64), range: "bytes=0-9" };
  const changes: [string, (request: NodeRequest) => NodeRequest][] = [
    ["method", (request) => ({ ...request, method: "GET" })],
    ["path", (request) => ({ ...request, rawPath: "/v1/node/blobs/letters" })],
    ["query", (request) => ({ ...request, rawPath: `${request.rawPath}?x` })],
    ["digest", (request) => ({ ...request, headers: { ...request.headers, [HEADER.blobDigest]: "b".repeat(64) } })],
    ["range", (request) => ({ ...request, headers: { ...request.headers, range: "bytes=0-99" } })],
    ["node", (request) => edited(request, (text) => text.replace(NODE, "f".repeat(16)))],
    ["addressee", (request) => edited(request, (text) => text.replace(PEER, "f".repeat(16)))],
    ["time", (request) => edited(request, (text) => text.replace(String(START), String(START + 1)))],
    ["count", (request) => edited(request, (text) => text.replace("-1 ", "-2 "))],
  ];
  it.each(changes)("is refused when its %s was changed on the way", (_name, change) => {
    const { signer, verifier } = make();
    const request = signed(signer, { headers });
    expect(refusalOf(verifier, change(request))).toContain("signature");
    expect(refusalOf(verifier, request)).toBe("accepted");
  });

  it("is refused by every node but the one that it is for", () => {
    const { signer, verifier } = make();
    const plain = { method: "PUT", rawPath: "/v1/node/blobs/photos", headers: {} };
    const request = { ...plain, headers: { [HEADER.nodeSignature]: signer.sign(plain, NODE) } };
    expect(() => verifier.verify(request)).toThrow(expect.objectContaining({ code: "peer_failed" }));
  });

  it("is accepted while the clocks differ by up to five minutes, and refused with a hint beyond", () => {
    const minutes = 60_000;
    for (const skew of [-5 * minutes, 5 * minutes]) {
      const { clock, signer, verifier } = make();
      clock.wall = START + skew;
      expect(refusalOf(verifier, signed(signer))).toBe("accepted");
      clock.wall = START + skew + Math.sign(skew);
      expect(refusalOf(verifier, signed(signer))).toContain("clock");
    }
  });

  it("is accepted once", () => {
    const { signer, verifier } = make();
    const first = signed(signer);
    const second = signed(signer);
    expect(refusalOf(verifier, second)).toBe("accepted");
    expect(refusalOf(verifier, first)).toBe("accepted");
    for (const request of [first, second]) expect(refusalOf(verifier, request)).toContain("sent before");
  });

  it("is accepted from a node that restarted", () => {
    const { clock, signer, verifier } = make();
    for (let count = 0; count < 3; count += 1) verifier.verify(signed(signer));
    const again = new NodeSigner({ secret: SECRET, cluster: CLUSTER, clock, node: NODE });
    expect(refusalOf(verifier, signed(again))).toBe("accepted");
  });

  it("does not let restarts pile up: senders that are out of time are forgotten", () => {
    const { clock, verifier, verifierClock } = make();
    const restart = () => signed(new NodeSigner({ secret: SECRET, cluster: CLUSTER, clock, node: NODE }));
    for (let count = 0; count < 1024; count += 1) verifier.verify(restart());
    expect(() => verifier.verify(restart())).toThrow(expect.objectContaining({ code: "overloaded" }));
    verifierClock.running += 11 * 60_000;
    expect(refusalOf(verifier, restart())).toBe("accepted");
  });
});

function edited(request: NodeRequest, change: (text: string) => string): NodeRequest {
  const text = signatureOf(request);
  return { ...request, headers: { ...request.headers, [HEADER.nodeSignature]: change(text) } };
}

function signatureOf(request: NodeRequest): string {
  return String(request.headers[HEADER.nodeSignature]);
}
