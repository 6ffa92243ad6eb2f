import type { NamespaceInfo, NamespaceName } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { NamespaceViews } from "./namespace-views.js";

const DEMO = "demo" as NamespaceName;

/** What the catalog knows, and how often it was asked. */
let known: NamespaceInfo | undefined;
let questions: number;
let clock: SimulatedClock;
let views: NamespaceViews;

beforeEach(() => {
  known = { name: DEMO, minCopies: 1, files: 0, bytes: "0", created: "2026-01-01T00:00:00.000Z" };
  questions = 0;
  clock = new SimulatedClock();
  const findNamespace = async () => {
    questions += 1;
    return known;
  };
  views = new NamespaceViews({ catalog: { findNamespace, listNamespaces: async () => [] }, clock });
});

describe("NamespaceViews", () => {
  it("asks the catalog once a second for a namespace that is used all the time", async () => {
    for (let put = 0; put < 5; put += 1) expect(await views.get(DEMO)).toBe(known);
    expect(questions).toBe(1);
    await clock.advance(1000);
    expect(await views.get(DEMO)).toBe(known);
    expect(questions).toBe(2);
  });

  it("sees a namespace at once when it is made, having said before that it is not there", async () => {
    const made = known;
    known = undefined;
    await expect(views.get(DEMO)).rejects.toMatchObject({ code: "namespace_not_found" });
    known = made;
    expect(await views.get(DEMO)).toBe(made);
  });

  it("forgets a namespace that turns out to be gone", async () => {
    await views.get(DEMO);
    known = undefined;
    await clock.advance(1000);
    await expect(views.get(DEMO)).rejects.toMatchObject({ code: "namespace_not_found" });
    await expect(views.get(DEMO)).rejects.toMatchObject({ code: "namespace_not_found" });
    expect(questions).toBe(3);
  });
});
