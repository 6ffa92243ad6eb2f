import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Catalog } from "../catalog/catalog.js";
import { openTestCatalog } from "../files/test-files.js";
import { beginOf, finishOf, NAMESPACE, putOf, setNamespaceOf, setNodeOf, stageOf } from "../model/test-changes.js";
import { FileExpiryWorker } from "./file-expiry-worker.js";

let test: Awaited<ReturnType<typeof openTestCatalog>>;
let catalog: Catalog;
beforeEach(async () => {
  test = await openTestCatalog();
  ({ catalog } = test);
  await catalog.commitAll([setNamespaceOf(), setNodeOf(1)]);
});
afterEach(() => test.close());

const put = (key: string, afterMs: number, text = key) => catalog.commit(putOf(key, text, { expires: { afterMs } }));
/** Also what has expired counts until it is deleted. */
const count = async () => (await catalog.findNamespace(NAMESPACE))?.files;
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

describe("FileExpiryWorker", () => {
  it("deletes what has expired, and nothing else, so that it no longer counts and can be undeleted", async () => {
    await put("old", 1);
    await put("young", 3_600_000);
    await catalog.commit(putOf("eternal"));
    await pause();
    expect(await count()).toBe(3);
    expect(await new FileExpiryWorker({ catalog, holder: "a" }).step()).toBe("idle");
    expect(await count()).toBe(2);
    expect((await catalog.listDeleted(NAMESPACE, { limit: 10 })).files.map(({ key }) => key)).toEqual(["old"]);
  });

  it("goes on until nothing is left when there is more than one commit takes", async () => {
    const keys = Array.from({ length: 450 }, (_, index) => `k${index}`);
    await catalog.commitAll(keys.map((key) => putOf(key, "same", { expires: { afterMs: 1 } })));
    await pause();
    const worker = new FileExpiryWorker({ catalog, holder: "a" });
    const results = [await worker.step(), await worker.step(), await worker.step()];
    expect(results).toEqual(["busy", "busy", "idle"]);
    expect(await count()).toBe(0);
  });

  it("deletes the rest when a prepared transaction holds as many expired files as it takes at once", async () => {
    const held = Array.from({ length: 200 }, (_, index) => putOf(`held${index}`, "same", { expires: { atMs: 1 } }));
    await catalog.commitAll([...held, putOf("free", "same", { expires: { atMs: 2 } }), beginOf(1)]);
    await catalog.commitAll(held.map(({ key }) => stageOf(1, putOf(key, "new"))));
    expect(await catalog.commit(finishOf("prepare", 1))).toMatchObject({ ok: true });
    expect(await new FileExpiryWorker({ catalog, holder: "a" }).step()).toBe("idle");
    expect((await catalog.listDeleted(NAMESPACE, { limit: 10 })).files.map(({ key }) => key)).toEqual(["free"]);
    expect(await count()).toBe(200);
  });

  it("leaves a file alone that was put anew since it was listed", async () => {
    await put("a", 1);
    await pause();
    const listed = await catalog.listExpired(10);
    await put("a", 3_600_000, "new");
    const late = {
      acquireLease: catalog.acquireLease.bind(catalog),
      releaseLease: catalog.releaseLease.bind(catalog),
      commitAll: catalog.commitAll.bind(catalog),
      listExpired: async () => listed,
    };
    expect(await new FileExpiryWorker({ catalog: late, holder: "a" }).step()).toBe("idle");
    expect(await catalog.findFile(NAMESPACE, putOf("a").key)).toMatchObject({ sizeBytes: 3 });
  });

  it("leaves the work to the node that holds the lease, and takes it over afterwards", async () => {
    await put("a", 1);
    await pause();
    await catalog.acquireLease("file-expiry", "another", 60_000);
    const worker = new FileExpiryWorker({ catalog, holder: "a" });
    expect(await worker.step()).toBe("idle");
    expect(await count()).toBe(1);
    await catalog.releaseLease("file-expiry", "another");
    await worker.step();
    expect(await count()).toBe(0);
    expect(await catalog.acquireLease("file-expiry", "another", 60_000)).toBe(true);
  });
});
