import { type ExecFileException, execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { NodeProcess } from "./node-process.js";

/** Where a volume keeps the bytes of a digest: plain files that any program may read. */
export function blobPath(volume: string, namespace: string, digest: string): string {
  return join(volume, "blobs", namespace, digest.slice(0, 2), digest.slice(2, 4), digest);
}

export function hasBlob(node: NodeProcess, namespace: string, digest: string): boolean {
  return node.data.some((volume) => existsSync(blobPath(volume, namespace, digest)));
}

/** Wherever the blob lies; where it should, when it lies nowhere. */
function pathsOf(node: NodeProcess, namespace: string, digest: string): string[] {
  const paths = node.data.map((volume) => blobPath(volume, namespace, digest));
  const there = paths.filter((path) => existsSync(path));
  return there.length === 0 ? paths.slice(0, 1) : there;
}

/** All paths below `blobs/` of a node's volumes, relative to it. */
export function listBlobFiles(node: NodeProcess): string[] {
  return node.data.flatMap((volume) => filesBelow(join(volume, "blobs"))).sort();
}

/** What lies in `incoming/` of a node's volumes: uploads that are not finished. */
export function listIncoming(node: NodeProcess): string[] {
  return node.data.flatMap((volume) => filesBelow(join(volume, "incoming")));
}

export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/**
 * Checks with the system's own `sha256sum` that the node has each of these blobs with the right bytes.
 * Throws with the complaints of sha256sum.
 */
export async function checkWithSha256sum(
  node: NodeProcess,
  namespace: string,
  digests: Iterable<string>,
): Promise<void> {
  const list = [...digests].flatMap((digest) => pathsOf(node, namespace, digest).map((path) => `${digest}  ${path}\n`));
  await new Promise<void>((resolve, reject) => {
    const child = execFile(
      "sha256sum",
      ["--check", "--quiet", "--strict"],
      (error: ExecFileException | null, stdout, stderr) => {
        if (error === null) resolve();
        else
          reject(new Error(`node ${node.name}: ${stdout.slice(0, 2_000)}${stderr.slice(0, 2_000)}`, { cause: error }));
      },
    );
    child.stdin?.end(list.join(""));
  });
}
