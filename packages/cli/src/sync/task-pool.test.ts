import { describe, expect, it } from "vitest";
import { TaskPool } from "./task-pool.js";

describe("the pool of tasks", () => {
  it("runs so many at once and no more", async () => {
    const pool = new TaskPool(3);
    let running = 0;
    let most = 0;
    for (let count = 0; count < 20; count += 1) {
      await pool.add(async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      });
    }
    await pool.finish();
    expect([most, running]).toEqual([3, 0]);
  });

  it("takes no more after a failure, waits for what runs and throws it", async () => {
    const pool = new TaskPool(2);
    const done: string[] = [];
    const slow = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      done.push("slow");
    };
    await pool.add(slow);
    await pool.add(() => Promise.reject(new Error("broken")));
    await expect(pool.add(slow)).rejects.toThrow("broken");
    await expect(pool.finish()).rejects.toThrow("broken");
    expect(done).toEqual(["slow"]);
  });

  it("is done at once when nothing runs", async () => {
    await new TaskPool(1).finish();
  });
});
