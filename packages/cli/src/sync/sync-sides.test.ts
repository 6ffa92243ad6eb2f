import { describe, expect, it } from "vitest";
import { parseSyncSides } from "./sync-sides.js";

const FOLDERS = new Set(["photos", "demo", "out"]);
const parse = (source: string, target: string) => parseSyncSides(source, target, (path) => FOLDERS.has(path));

describe("the sides of a sync", () => {
  it.each([
    ["./x", "demo/p", { direction: "up", folder: "./x", namespace: "demo", prefix: "p/" }],
    ["/x/", "demo", { direction: "up", folder: "/x", namespace: "demo", prefix: "" }],
    [".", "demo/p/", { direction: "up", folder: ".", namespace: "demo", prefix: "p/" }],
    ["photos", "ns/p", { direction: "up", folder: "photos", namespace: "ns", prefix: "p/" }],
    ["ns/p", "../new", { direction: "down", folder: "../new", namespace: "ns", prefix: "p/" }],
    ["ns/p", "new", { direction: "down", folder: "new", namespace: "ns", prefix: "p/" }],
    ["demo", "./demo", { direction: "down", folder: "./demo", namespace: "demo", prefix: "" }],
    ["ns", "/", { direction: "down", folder: "/", namespace: "ns", prefix: "" }],
  ])("takes %j and %j apart", (source, target, sides) => {
    expect(parse(source, target)).toEqual(sides);
  });

  it("asks when both sides are folders", () => {
    expect(() => parse("photos", "demo")).toThrow("are both folders");
    expect(() => parse("./a", "/b")).toThrow("are both folders");
  });
});
