import type { Digest, FileKey, NamespaceName } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import {
  chooseServingNode,
  fileNameOf,
  formatDirectUrl,
  isPrivateTemplate,
  type ServingCandidate,
} from "./direct-url.js";

const PARTS = {
  nodeUrl: "http://alpha.example.org:9876/",
  namespace: "photos" as NamespaceName,
  digest: `abcd${"0".repeat(60)}` as Digest,
  key: "trip/day 1/cat?ü.jpg" as FileKey,
  sign: () => "k=1&e=2&s=3",
};

describe("a direct URL", () => {
  it("has what the template asks for, the file's name last where it stands last", () => {
    expect(formatDirectUrl("https://{server}:8443/{namespace}/{path}/{name}?{signature}", PARTS)).toBe(
      `https://alpha.example.org:8443/photos/ab/cd/${PARTS.digest}/cat%3F%C3%BC.jpg?k=1&e=2&s=3`,
    );
    expect(formatDirectUrl("{url}/x/{key}/{other}", PARTS)).toBe(
      "http://alpha.example.org:9876/x/trip/day%201/cat%3F%C3%BC.jpg/{other}",
    );
  });

  it("is private when its template has a place for a signature", () => {
    expect(isPrivateTemplate("http://{server}/{path}?{signature}")).toBe(true);
    expect(isPrivateTemplate("http://{server}/{path}")).toBe(false);
  });

  it.each([
    ["a/b", "b"],
    ["a/", "file"],
    ["a/..", "file"],
    [".", "file"],
    ["a\0b", "file"],
    ["...", "..."],
  ])("calls %j the file name of a key that web servers cannot take for a step", (key, name) =>
    expect(fileNameOf(key)).toBe(name),
  );
});

describe("the node that a reader is sent to", () => {
  const node = (zone: string, more: Partial<ServingCandidate> = {}): ServingCandidate => ({
    ...{ state: "alive", zone, backfillPosition: 10, joinedAt: 10, owes: false },
    ...more,
  });
  const choose = (nodes: readonly ServingCandidate[], version = 5, random = 0) =>
    chooseServingNode(nodes, { version, zone: "here" }, () => random);

  it("is near when one near has the version, else far, by chance among equals", () => {
    const [near, nearToo, far] = [node("here"), node("here"), node("there")];
    expect(choose([far, near, nearToo])).toBe(near);
    expect(choose([far, near, nearToo], 5, 0.99)).toBe(nearToo);
    expect(choose([far])).toBe(far);
    expect(choose([])).toBeUndefined();
  });

  it("is none that is down, dead, owes the blob or was not filled so far", () => {
    for (const state of ["down", "dead"] as const) expect(choose([node("here", { state })])).toBeUndefined();
    for (const state of ["readonly", "draining"] as const) expect(choose([node("here", { state })])).toBeDefined();
    expect(choose([node("here", { owes: true })])).toBeUndefined();
    const filling = node("here", { backfillPosition: 4 });
    expect(choose([filling], 5)).toBeUndefined();
    expect(choose([filling], 4)).toBe(filling);
    // What was put after it had joined it has, or owes.
    expect(choose([filling], 11)).toBe(filling);
  });
});
