import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryBlobStore } from "../../blobs/memory/memory-blob-store.js";
import { RemoteMirror } from "../../mirror/remote/remote-mirror.js";
import type { JournalGroup } from "../../model/journal-group.js";
import { formatGenesisHash, formatJournalGroup, hashJournalGroup } from "../../model/journal-group.js";
import { NAMESPACE } from "../../model/test-changes.js";
import { CLUSTER, type RunningNodeFace, startNodeFace } from "./test-node-face.js";

/** Groups of the cluster of these tests, each a namespace's policy set once more. */
function someGroups(count: number): JournalGroup[] {
  const groups: JournalGroup[] = [];
  let previous = formatGenesisHash(CLUSTER);
  for (let number = 1; number <= count; number += 1) {
    const entry = { kind: "namespace", number, namespace: NAMESPACE, policy: { minCopies: number } } as const;
    const bytes = formatJournalGroup({
      ...{ id: `g${number}`, previous, first: number, last: number, timeMs: number, entries: [entry] },
    });
    previous = hashJournalGroup(bytes);
    groups.push({ first: number, last: number, hash: previous, bytes });
  }
  return groups;
}

describe("the mirror routes of the node face", () => {
  let face: RunningNodeFace;
  let remote: RemoteMirror;

  beforeEach(async () => {
    face = await startNodeFace(new MemoryBlobStore());
    remote = new RemoteMirror(face.peer);
  });

  afterEach(() => face.close());

  it("take groups and say how far the mirror is", async () => {
    expect(await remote.head()).toEqual(face.mirror.head());
    const groups = someGroups(3);
    expect(await remote.append(groups)).toMatchObject({ number: 3, hash: groups[2]?.hash });
    expect(await remote.append(groups.slice(1))).toMatchObject({ number: 3 });
    expect(await face.mirror.listGroups(0, 10)).toEqual(groups);
  });

  it("give groups back by range, and the hash at a number", async () => {
    const groups = someGroups(5);
    await face.mirror.append(groups);
    expect(await remote.listGroups(1, 2)).toEqual(groups.slice(1, 3));
    expect(await remote.listGroups(5, 10)).toEqual([]);
    expect(await remote.findGroupHash(4)).toBe(groups[3]?.hash);
    expect(await remote.findGroupHash(9)).toBeUndefined();
  });

  it("say mirror_behind and history_forked in so many words", async () => {
    const groups = someGroups(3);
    await expect(remote.append(groups.slice(2))).rejects.toMatchObject({ code: "mirror_behind" });
    await remote.append(groups);
    const [, second] = groups;
    const other = Buffer.from(String(second?.bytes).replace('"minCopies":2', '"minCopies":7'));
    const fork = { ...(second as JournalGroup), bytes: other, hash: hashJournalGroup(other) };
    await expect(remote.append([fork])).rejects.toMatchObject({ code: "history_forked" });
  });

  it("refuse who did not sign, and a body that is not the one that was signed", async () => {
    const body = "anything";
    for (const headers of [{}, { "koboldfs-blob-digest": "0".repeat(64) }] as Record<string, string>[]) {
      const answer = await fetch(`${face.url}/v1/node/mirror/groups`, { method: "POST", headers, body });
      expect(answer.status).toBe(401);
    }
    const signed = {
      sendWhole: (request: Parameters<typeof face.peer.sendWhole>[0]) =>
        face.peer.sendWhole(request, [Buffer.from("x".repeat(Number(request.headers["content-length"])))]),
      refusal: (answer: Parameters<typeof face.peer.refusal>[0]) => face.peer.refusal(answer),
      failure: (cause: unknown) => face.peer.failure(cause),
    };
    const tampered = new RemoteMirror(signed);
    await expect(tampered.append(someGroups(1))).rejects.toMatchObject({ code: "digest_mismatch" });
    expect(face.mirror.head().number).toBe(0);
  });
});
