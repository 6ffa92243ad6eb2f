import { describe, expect, it } from "vitest";
import { PiecePool } from "./piece-pool.js";

describe("the pool of pieces", () => {
  it("lends the memory of a piece that came back again", () => {
    const pool = new PiecePool(100);
    const first = pool.take(100);
    pool.giveBack(first);
    const second = pool.take(10);
    expect(second.buffer).toBe(first.buffer);
    expect(second.length).toBe(10);
  });

  it("never lends one piece to two readers, even when it is given back twice", () => {
    const pool = new PiecePool(100);
    const first = pool.take(100);
    pool.giveBack(first);
    pool.giveBack(first.subarray(5));
    expect(pool.take(100).buffer).not.toBe(pool.take(100).buffer);
  });

  it("says when so many pieces are with readers that nobody shall read ahead", () => {
    const pool = new PiecePool(1);
    const pieces = Array.from({ length: 64 }, () => pool.take(1));
    expect(pool.isRoomy).toBe(false);
    pool.giveBack(pieces[0]!);
    expect(pool.isRoomy).toBe(true);
    pool.take(1);
    pool.forget(pieces[1]!);
    pool.giveBack(pieces[1]!);
    expect(pool.isRoomy).toBe(true);
    expect(pool.take(1).buffer).not.toBe(pieces[1]!.buffer);
  });

  it("gives small pieces of their own to all beyond 64, so that many slow readers hold little", () => {
    const pool = new PiecePool(512 * 1024);
    const sizes = Array.from({ length: 66 }, () => pool.take(512 * 1024).length / 1024);
    expect([sizes[63], sizes[64], sizes[65]]).toEqual([512, 128, 128]);
    expect(pool.take(10)).toHaveLength(10);
  });

  it("takes nothing back that it did not lend", () => {
    const pool = new PiecePool(100);
    const foreign = Buffer.allocUnsafeSlow(100);
    pool.giveBack(foreign);
    expect(pool.take(100).buffer).not.toBe(foreign.buffer);
  });

  it("keeps no more than 32 pieces that nobody uses", () => {
    const pool = new PiecePool(100);
    const pieces = Array.from({ length: 64 }, () => pool.take(100));
    for (const piece of pieces) pool.giveBack(piece);
    const kept = new Set(pieces.map(({ buffer }) => buffer));
    const again = Array.from({ length: 64 }, () => pool.take(100).buffer);
    expect(again.filter((buffer) => kept.has(buffer))).toHaveLength(32);
  });
});
