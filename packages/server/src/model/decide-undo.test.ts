import { parseFileKey } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Change, ChangeOutcome } from "./change.js";
import { MAX_PLACEMENT_AGE_MS } from "./placement-age.js";
import { deleteOf, digestOf, NAMESPACE, nodeId, putOf, setNamespaceOf, setNodeOf } from "./test-changes.js";
import { ModelCatalog } from "./test-model-catalog.js";

const KEY = parseFileKey("a");
const HOUR_MS = 3_600_000;

let catalog: ModelCatalog;
beforeEach(() => {
  catalog = new ModelCatalog();
  catalog.commit([setNamespaceOf(), setNodeOf(1)]);
});

function commit(change: Change): ChangeOutcome {
  const [outcome] = catalog.commit([change]);
  if (outcome === undefined) throw new Error("no outcome");
  return outcome;
}

function codeOf(outcome: ChangeOutcome): string {
  return outcome.ok ? "ok" : outcome.error.code;
}

const undelete = { kind: "undelete", namespace: NAMESPACE, key: KEY } as const;
const fileNow = () => [...catalog.files.values()].find((file) => file.key === "a");

describe("an undelete", () => {
  it("is refused while there is a file, and when nothing is left", () => {
    expect(codeOf(commit(undelete))).toBe("not_found");
    commit(putOf("a", "1"));
    expect(codeOf(commit(undelete))).toBe("not_deleted");
    commit(deleteOf("a"));
    expect(codeOf(commit(undelete))).toBe("ok");
    expect(fileNow()?.digest).toBe(digestOf("1"));
  });

  it("sees a delete of its own group", () => {
    commit(putOf("a", "1"));
    const outcomes = catalog.commit([putOf("a", "2"), deleteOf("a"), undelete]);
    expect(outcomes.map(codeOf)).toEqual(["ok", "ok", "ok"]);
    expect(fileNow()?.digest).toBe(digestOf("2"));
  });

  it("gives a file that had expired without its old date, or it would be gone again at once", () => {
    commit(putOf("a", "1", { expires: { afterMs: 10 } }));
    catalog.nowMs += HOUR_MS;
    expect(codeOf(commit(undelete))).toBe("ok");
    expect(fileNow()).toMatchObject({ digest: digestOf("1") });
    expect(fileNow()?.expiresMs).toBeUndefined();
  });

  it("owes the blob to a node whose backfill has passed the old entry", () => {
    commit(putOf("a", "1"));
    commit(deleteOf("a"));
    commit(setNodeOf(2));
    expect(commit(undelete)).toMatchObject({ owing: [nodeId(2)] });
  });

  it("is given once to an idempotency key", () => {
    commit(putOf("a", "1"));
    commit(deleteOf("a"));
    const named = { ...undelete, idempotency: { key: "i", fingerprint: "f" } };
    const first = commit(named);
    expect(commit(named)).toEqual({ ...first, replayed: true });
  });
});

describe("a restore", () => {
  it("is held to its precondition, which is about what the key names now", () => {
    commit(putOf("a", "1"));
    const version = fileNow()?.version ?? 0;
    commit(putOf("a", "2"));
    const restore = { kind: "restore", namespace: NAMESPACE, key: KEY, version } as const;
    expect(codeOf(commit({ ...restore, precondition: { ifMatch: [digestOf("1")] } }))).toBe("precondition_failed");
    expect(codeOf(commit({ ...restore, precondition: { ifMatch: [digestOf("2")] } }))).toBe("ok");
    expect(codeOf(commit({ ...restore, version: 999 }))).toBe("version_not_found");
  });
});

describe("a file that has expired", () => {
  it("is no file for the conditions of a put, and its bytes leave the usage when it is replaced", () => {
    commit(putOf("a", "12345", { expires: { afterMs: 10 } }));
    expect(codeOf(commit(putOf("a", "1", { precondition: { ifNoneMatch: "*" } })))).toBe("precondition_failed");
    catalog.nowMs += HOUR_MS;
    expect(codeOf(commit(deleteOf("a")))).toBe("not_found");
    expect(codeOf(commit(putOf("a", "1", { precondition: { ifNoneMatch: "*" } })))).toBe("ok");
    expect(catalog.namespaces.get(NAMESPACE)).toMatchObject({ files: 1, bytes: 1n });
  });

  it("is deleted by the worker only while it is that version and has no time left", () => {
    commit(putOf("a", "1", { expires: { afterMs: 10 } }));
    const expire = { kind: "expire", namespace: NAMESPACE, key: KEY, version: fileNow()?.version ?? 0 } as const;
    expect(codeOf(commit(expire))).toBe("not_found");
    catalog.nowMs += HOUR_MS;
    expect(codeOf(commit({ ...expire, version: 1 }))).toBe("not_found");
    expect(codeOf(commit(expire))).toBe("ok");
    expect(fileNow()).toBeUndefined();
    expect(catalog.namespaces.get(NAMESPACE)).toMatchObject({ files: 0, bytes: 0n });
  });
});

describe("a placement", () => {
  it("is named within ten minutes, or refused under the lock", () => {
    catalog.monotonicMs = MAX_PLACEMENT_AGE_MS + 100;
    expect(codeOf(commit(putOf("a", "1", { placedSinceMs: 100 })))).toBe("ok");
    expect(codeOf(commit(putOf("a", "1", { placedSinceMs: 99 })))).toBe("placement_expired");
  });

  it("is refused when one of its nodes was told to purge the blob and has not, or did so since it was begun", () => {
    commit(setNodeOf(2));
    commit(putOf("a", "1"));
    commit({ kind: "purge", namespace: NAMESPACE, key: KEY });
    catalog.nowMs = HOUR_MS;
    catalog.monotonicMs = HOUR_MS;
    const put = (ageMs: number) => codeOf(commit(putOf("a", "1", { placedSinceMs: HOUR_MS - ageMs })));
    expect(put(0)).toBe("placement_expired");
    for (const [id, order] of catalog.purges) {
      if (order.node === nodeId(1)) catalog.purges.set(id, { ...order, doneMs: HOUR_MS - 60_000 });
    }
    expect(put(59_000)).toBe("placement_expired");
    // Node 2 has not obeyed yet, but has no part in this.
    expect(put(50_000)).toBe("ok");
  });

  it("in the group of the purge is refused like any other", () => {
    commit(putOf("a", "1"));
    const purge = { kind: "purge", namespace: NAMESPACE, key: KEY } as const;
    expect(catalog.commit([purge, putOf("b", "1")]).map(codeOf)).toEqual(["ok", "placement_expired"]);
  });
});
