import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { CrashPoint } from "@koboldfs/server/crash-points";
import { expect } from "vitest";
import { blobPath, hasBlob } from "../harness/blobs-on-disk.js";
import { NAMESPACE } from "../harness/cluster.js";
import { mustGet, mustPut, sha256 } from "../harness/raw-files.js";
import { rawRequest } from "../harness/raw-request.js";
import { beginUpload, offsetOf, sendPiece } from "../harness/raw-upload.js";
import { waitUntil } from "../harness/wait-until.js";
import { HASTY_CLOCK } from "../programs/hasty-clock-url.js";
import type { CrashScene } from "./crash-scene.js";

/** A way in which a node comes to the points of a part. */
export interface CrashDriver {
  /** Who dies, in words. */
  readonly who: string;
  /** Only some points of the part; all by default. */
  readonly points?: readonly CrashPoint[];
  /** Brings the victim, which serves, to the point, and resolves when it died there. */
  readonly run: (scene: CrashScene) => Promise<void>;
  /** What else must hold once the victim serves again. */
  readonly afterwards?: (scene: CrashScene) => Promise<void>;
}

/** Some puts are acknowledged before the one that meets the point. */
const SOME_PUTS = 6;

/** A blob makes two folders and is written once. */
function countOf(point: CrashPoint): number {
  return point === "blob.folder-made.before-fsync" ? 2 * SOME_PUTS : SOME_PUTS;
}

const coordinator: CrashDriver = {
  who: "the node that a client puts through",
  async run(scene) {
    scene.victim.orderCrash(scene.point, countOf(scene.point));
    await scene.putUntilDeath(scene.victim);
  },
};

const peer: CrashDriver = {
  who: "the peer of the node that a client puts through",
  async run(scene) {
    scene.victim.orderCrash(scene.point, countOf(scene.point));
    await scene.putUntilDeath(scene.other);
    expect(scene.ledger.attempts.filter(({ copies }) => copies === undefined)).toEqual([]);
  },
};

const debtor: CrashDriver = {
  who: "a node that fetches what it owes",
  async run(scene) {
    await scene.victim.kill("SIGKILL");
    await scene.putMany(scene.other, SOME_PUTS);
    scene.victim.orderCrash(scene.point);
    await scene.victim.startToCrash();
    await scene.victim.waitForCrash(scene.point);
  },
};

const backfilled: CrashDriver = {
  who: "a node that is being refilled",
  async run(scene) {
    await scene.victim.kill("SIGKILL");
    await scene.cluster.waitUntilState(scene.victim.name, "down");
    const reply = await rawRequest(scene.other.url, { method: "POST", path: `/v1/nodes/${scene.victim.name}/refill` });
    expect(reply.status, reply.body.toString()).toBe(200);
    await scene.put(scene.other);
    scene.victim.orderCrash(scene.point);
    await scene.victim.startToCrash();
    await scene.victim.waitForCrash(scene.point);
  },
};

const purged: CrashDriver = {
  who: "a node that is told to unlink at once",
  async run(scene) {
    scene.victim.orderCrash(scene.point);
    const { key, body } = scene.next();
    await mustPut(scene.other.url, key, body);
    const purge = { method: "POST", path: `/v1/purges/${NAMESPACE}`, body: JSON.stringify({ key }) };
    await rawRequest(scene.other.url, { ...purge, headers: { "content-type": "application/json" } });
    await scene.victim.waitForCrash(scene.point);
    scene.doomed.push(sha256(body));
  },
  afterwards: expectDoomedGone,
};

/** What must go is on no disk in the end. */
async function expectDoomedGone({ cluster, doomed }: CrashScene): Promise<void> {
  for (const node of cluster.running) {
    await waitUntil(`the purged bytes are gone from ${node.name}`, () =>
      doomed.every((digest) => !hasBlob(node, NAMESPACE, digest)),
    );
  }
}

const reaped: CrashDriver = {
  who: "a node that unlinks what nothing refers to",
  async run(scene) {
    const { body } = scene.next();
    const path = blobPath(scene.victim.data[0] as string, NAMESPACE, sha256(body));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, body);
    scene.doomed.push(sha256(body));
    await scene.putMany(scene.other, 2);
    await scene.victim.stop();
    scene.victim.orderCrash(scene.point);
    await scene.victim.startToCrash({ preload: HASTY_CLOCK });
    await scene.victim.waitForCrash(scene.point, 60_000);
  },
};

const scrubbed: CrashDriver = {
  who: "a node that finds bytes bad, or astray",
  async run(scene) {
    await scene.cluster.waitUntilSettled();
    const { key, body } = scene.next();
    await scene.ledger.put(scene.other.url, key, body);
    await scene.cluster.waitUntilSettled();
    const path = blobPath(scene.victim.data[0] as string, NAMESPACE, sha256(body));
    if (scene.point === "scrub.moved") renameSync(path, astray(path));
    else writeFileSync(path, "something else");
    scene.victim.orderCrash(scene.point);
    const order = JSON.stringify({ node: scene.victim.name, repairs: true });
    const headers = { "content-type": "application/json" };
    await rawRequest(scene.other.url, { method: "POST", path: "/v1/scrub", headers, body: order });
    await scene.victim.waitForCrash(scene.point);
  },
};

/** The same name in a folder where it does not belong. */
function astray(path: string): string {
  const folder = join(dirname(dirname(dirname(path))), "00", "00");
  mkdirSync(folder, { recursive: true });
  return join(folder, basename(path));
}

const uploaded: CrashDriver = {
  who: "the node that takes a resumable upload",
  async run(scene) {
    const [head, tail] = uploadPieces(scene);
    scene.victim.orderCrash(scene.point, UPLOAD_COUNTS[scene.point]);
    const url = await beginUpload(scene.victim.url, uploadKey(scene), { sizeBytes: head.length + tail.length });
    scene.uploads.push(url);
    await sendPiece(url, 0, head).catch(() => undefined);
    if (scene.victim.isRunning) await sendPiece(url, head.length, tail).catch(() => undefined);
    await scene.victim.waitForCrash(scene.point);
  },
  /** The client goes on where the node says, and has its file. */
  async afterwards(scene) {
    const [head, tail] = uploadPieces(scene);
    const bytes = Buffer.concat([head, tail]);
    for (const url of scene.uploads) {
      const offset = await offsetOf(url);
      expect([0, head.length, bytes.length]).toContain(offset);
      if (offset < bytes.length) expect((await sendPiece(url, offset, bytes.subarray(offset))).status).toBe(204);
      for (const node of scene.cluster.running) {
        expect(sha256(await mustGet(node.url, uploadKey(scene)))).toBe(sha256(bytes));
      }
    }
  },
};

/** A record is written when the upload begins, then with each piece, then with the outcome: the second piece's is met. */
const UPLOAD_COUNTS: Partial<Record<CrashPoint, number>> = {
  "upload.record.before-rename": 3,
  "upload.record.renamed": 3,
  "upload.record.done": 3,
  "upload.piece.before-fsync": 2,
  "upload.piece.fsynced": 2,
};

function uploadKey({ point }: CrashScene): string {
  return `upload/${point}`;
}

function uploadPieces({ point }: CrashScene): [Buffer, Buffer] {
  return [Buffer.alloc(300_000, `first piece at ${point}; `), Buffer.alloc(200_000, `second piece at ${point}; `)];
}

/** By the first word of a point: the parts whose points are met in a cluster that stays up. */
export const CRASH_DRIVERS: Readonly<Record<string, readonly CrashDriver[]>> = {
  blob: [coordinator, peer, { ...debtor, points: ["blob.rename.before", "blob.rename.done"] }],
  put: [coordinator],
  commit: [coordinator],
  mirror: [coordinator, peer],
  repair: [debtor],
  backfill: [backfilled],
  purge: [purged],
  reap: [reaped],
  scrub: [scrubbed],
  upload: [uploaded],
};
