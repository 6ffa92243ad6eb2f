import { randomBytes } from "node:crypto";
import { type Digest, type FileKey, KoboldError, type NamespaceName, type NodeId } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatUploadId, type UploadOutcome, type UploadRecord } from "../model/upload.js";
import type { UploadAppend, UploadStore } from "./upload-store.js";

/** A store under test, and what only its maker can do with it. */
export interface TestedUploadStore {
  readonly store: UploadStore;
  /** What the next process of the node finds. */
  reopen(): Promise<UploadStore>;
  /** Bytes of uploads that are kept now, counted or not. */
  keptBytes(): Promise<number>;
  /** Changes the first byte of the upload, as a failing disk would. */
  damage(record: UploadRecord): Promise<void>;
  close(): Promise<void>;
}

const NODE = "00112233aabbccdd" as NodeId;
const LATER_MS = 2e12;
const OUTCOME: UploadOutcome = {
  reply: { digest: "0".repeat(64) as Digest, size: 6, version: 1, copies: 1, wanted: 2 },
};

export function newUploadRecord(sizeBytes: number): UploadRecord {
  const intent = {
    namespace: "photos" as NamespaceName,
    key: "cat.jpg" as FileKey,
    contentType: "image/jpeg",
    metadata: { title: "naïve" },
  };
  const id = formatUploadId(NODE, randomBytes(16).toString("hex"));
  return { id, intent, announced: "namespace cGhvdG9z", sizeBytes, offset: 0, crc: 0, expiresMs: 1e12 };
}

/** Opens, appends, counts; the append stays open. */
export async function appendTo(
  store: UploadStore,
  record: UploadRecord,
  ...texts: readonly string[]
): Promise<{ append: UploadAppend; counted: UploadRecord }> {
  const append = await store.append(record);
  for (const text of texts) await append.write(Buffer.from(text));
  return { append, counted: await append.checkpoint(LATER_MS) };
}

export async function readText(store: UploadStore, record: UploadRecord): Promise<string> {
  const chunks = [];
  for await (const chunk of store.read(record)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** What every store of uploads promises. Each implementation runs this beside its own tests. */
export function describeUploadStoreConformance(name: string, make: () => Promise<TestedUploadStore>): void {
  describe(`${name} as a store of uploads`, () => {
    let tested: TestedUploadStore;
    let store: UploadStore;
    beforeEach(async () => {
      tested = await make();
      ({ store } = tested);
      expect(await store.load()).toEqual([]);
    });
    afterEach(() => tested.close());

    const begin = async (sizeBytes = 6): Promise<UploadRecord> => {
      const record = newUploadRecord(sizeBytes);
      await store.create(record);
      return record;
    };

    it("keeps a new upload for the next process, with all that was said of it", async () => {
      const record = await begin();
      expect(await (await tested.reopen()).load()).toEqual([record]);
    });

    it("counts bytes at a checkpoint, and gives them back in order", async () => {
      const { append, counted } = await appendTo(store, await begin(), "ab", "c");
      expect(counted).toMatchObject({ offset: 3, expiresMs: LATER_MS });
      await append.write(Buffer.from("def"));
      const whole = await append.checkpoint(LATER_MS);
      await append.close();
      expect(whole.offset).toBe(6);
      expect(await readText(store, counted)).toBe(await readText(store, whole).then((text) => text.slice(0, 3)));
      expect(await readText(store, whole)).toBe("abcdef");
    });

    it("goes on in the next process behind what was counted", async () => {
      const { append } = await appendTo(store, await begin(), "abc");
      await append.close();
      const next = await tested.reopen();
      const [found] = await next.load();
      expect(found?.offset).toBe(3);
      const { append: more, counted } = await appendTo(next, found!, "def");
      await more.close();
      expect(await readText(next, counted)).toBe("abcdef");
    });

    it("keeps nothing of what came behind the last checkpoint when it is closed", async () => {
      const { append, counted } = await appendTo(store, await begin(), "abc");
      await append.write(Buffer.alloc(600_000, "x"));
      await append.close();
      await append.close();
      expect(await tested.keptBytes()).toBe(3);
      const { append: more, counted: whole } = await appendTo(store, counted, "def");
      await more.close();
      expect(await readText(store, whole)).toBe("abcdef");
    });

    it("gives nothing of an upload that has no bytes", async () => {
      expect(await readText(store, await begin())).toBe("");
    });

    it("notices bytes that changed while they lay there", async () => {
      const { append, counted } = await appendTo(store, await begin(), "abcdef");
      await append.close();
      await tested.damage(counted);
      await expect(readText(store, counted)).rejects.toMatchObject({ code: "digest_mismatch" });
    });

    it("keeps the outcome and not the bytes of an upload that is settled", async () => {
      const { append, counted } = await appendTo(store, await begin(), "abcdef");
      await append.close();
      const settled = await store.settle(counted, OUTCOME);
      expect(settled.outcome).toEqual(OUTCOME);
      expect(await tested.keptBytes()).toBe(0);
      expect(await (await tested.reopen()).load()).toEqual([settled]);
    });

    it("removes an upload with its bytes, once", async () => {
      const { append, counted } = await appendTo(store, await begin(), "abc");
      await append.close();
      expect(await store.remove(counted.id)).toBe(true);
      expect(await store.remove(counted.id)).toBe(false);
      expect(await tested.keptBytes()).toBe(0);
      expect(await (await tested.reopen()).load()).toEqual([]);
    });

    it("does not know the bytes of an upload that is not there", async () => {
      const record = newUploadRecord(1);
      const appending = (async () => store.append(record))();
      await expect(appending).rejects.toBeInstanceOf(KoboldError);
      await expect((async () => readText(store, record))()).rejects.toMatchObject({ code: "upload_not_found" });
    });
  });
}
