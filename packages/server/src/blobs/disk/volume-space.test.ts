import { describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.js";
import type { FileSystemRoom } from "../../runtime/file-system.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import { bytesUnderLimit, VolumeSpace } from "./volume-space.js";

const ROOM: FileSystemRoom = { totalBytes: 1000, freeBytes: 400, totalInodes: 100, freeInodes: 50 };

function makeSpace(): {
  space: VolumeSpace;
  asked: () => number;
  pass: (ms: number) => void;
  room: { now: FileSystemRoom };
} {
  let asked = 0;
  let time = 0;
  const room = { now: ROOM };
  const statfs = async () => {
    asked += 1;
    return room.now;
  };
  const space = new VolumeSpace({
    files: { ...systemFileSystem, statfs },
    path: "/disk",
    clock: { ...systemClock, monotonic: () => time },
    maxUsedRatio: 0.95,
  });
  const pass = (ms: number) => {
    time += ms;
  };
  return { space, asked: () => asked, pass, room };
}

describe("the room on a volume", () => {
  it("ends where the configured share of the bytes is used", () => {
    expect(bytesUnderLimit(ROOM, 0.95)).toBe(350);
    expect(bytesUnderLimit({ ...ROOM, freeBytes: 50 }, 0.95)).toBe(0);
    expect(bytesUnderLimit({ ...ROOM, freeBytes: 0 }, 0.95)).toBeLessThan(0);
  });

  it("ends where the configured share of the inodes is used, if there is a number of them at all", () => {
    expect(bytesUnderLimit({ ...ROOM, freeInodes: 6 }, 0.95)).toBe(350);
    expect(bytesUnderLimit({ ...ROOM, freeInodes: 5 }, 0.95)).toBe(0);
    expect(bytesUnderLimit({ ...ROOM, totalInodes: 0, freeInodes: 0 }, 0.95)).toBe(350);
  });

  it("is asked for once a second, however many ask at once", async () => {
    const { space, asked, pass } = makeSpace();
    await Promise.all([space.room(), space.room(), space.room()]);
    pass(999);
    await space.room();
    expect(asked()).toBe(1);
    pass(1);
    await space.room();
    expect(asked()).toBe(2);
  });

  it("counts what was promised until it is written or given back", async () => {
    const { space } = makeSpace();
    const reservation = space.reserve(300);
    await expect(space.check(51)).rejects.toMatchObject({ code: "disk_full" });
    await expect(space.check(50)).resolves.toBeUndefined();
    reservation.used(100);
    expect(await space.room()).toBe(150);
    reservation.release();
    reservation.release();
    expect(await space.room()).toBe(350);
  });

  it("refuses even an unknown size when nothing is left", async () => {
    const { space, room } = makeSpace();
    room.now = { ...ROOM, freeBytes: 50 };
    await expect(space.check()).rejects.toMatchObject({ code: "disk_full" });
  });
});
