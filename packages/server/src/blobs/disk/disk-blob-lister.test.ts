import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseNamespaceName } from "@koboldfs/protocol";
import { describe, expect, it, onTestFinished } from "vitest";
import { digestOf } from "../../model/test-changes.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import { walkListing } from "../blob-lister.js";
import type { BlobRef } from "../blob-store.js";
import { blobPath } from "./blob-path.js";
import { DiskBlobLister } from "./disk-blob-lister.js";

const NAMESPACES = ["demo", "a", "zoo"].map(parseNamespaceName);

async function makeFolders(): Promise<[string, string]> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-lister-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return [join(folder, "one"), join(folder, "two")];
}

async function place(root: string, ref: BlobRef): Promise<void> {
  const path = blobPath(root, ref);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "");
}

async function listAll(lister: DiskBlobLister, atLeast: number): Promise<string[]> {
  const found = [];
  for await (const { digest, namespace } of walkListing(lister, atLeast)) found.push(`${digest} ${namespace}`);
  return found;
}

describe("DiskBlobLister", () => {
  it("lists several namespaces on several volumes by digest, each blob once, however long its pages are", async () => {
    const roots = await makeFolders();
    const refs = Array.from({ length: 300 }, (_, index): BlobRef => {
      return { namespace: NAMESPACES[index % 3] ?? parseNamespaceName("demo"), digest: digestOf(String(index % 200)) };
    });
    for (const [index, ref] of refs.entries()) await place(roots[index % 2] ?? "", ref);
    for (const ref of refs.slice(0, 10)) for (const root of roots) await place(root, ref);
    await writeFile(join(dirname(blobPath(roots[0], refs[0] as BlobRef)), "no-blob"), "");
    await place(roots[0], { namespace: NAMESPACES[0] as BlobRef["namespace"], digest: digestOf("misplaced") });
    const wanted = new Set(
      [...refs, { namespace: "demo", digest: digestOf("misplaced") }].map((ref) => `${ref.digest} ${ref.namespace}`),
    );
    const lister = new DiskBlobLister(systemFileSystem, roots);
    for (const atLeast of [1, 7, 10_000]) expect(await listAll(lister, atLeast)).toEqual([...wanted].sort());
  });

  it("lists nothing where nothing was ever put", async () => {
    expect(await new DiskBlobLister(systemFileSystem, await makeFolders()).listBlobs("", 10)).toEqual({ blobs: [] });
  });
});
