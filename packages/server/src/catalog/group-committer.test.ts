import { KoboldError } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { Change, ChangeOutcome } from "../model/change.js";
import { putOf } from "../model/test-changes.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { GroupCommitter, MAX_GROUP_CHANGES } from "./group-committer.js";

/** A commit that ends when the test says so. */
class ManualCommits {
  readonly groups: { changes: readonly Change[]; release: () => void; end(): void; fail(error: Error): void }[] = [];

  readonly commit = (changes: readonly Change[], release: () => void): Promise<ChangeOutcome[]> =>
    new Promise((resolve, reject) => {
      const end = () => resolve(changes.map((change) => refusalOf(change)));
      this.groups.push({ changes, release, end, fail: reject });
    });

  keys(): string[][] {
    return this.groups.map((group) => group.changes.map((change) => (change.kind === "put" ? change.key : "?")));
  }
}

/** An outcome that tells whose it is. */
function refusalOf(change: Change): ChangeOutcome {
  return { ok: false, error: new KoboldError("not_found", change.kind === "put" ? change.key : "?") };
}

function puts(count: number, from = 0): Change[] {
  return Array.from({ length: count }, (_, index) => putOf(`k${from + index}`));
}

function manualWork() {
  let end: () => void = () => {};
  let fail: (error: Error) => void = () => {};
  const work = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return { work, end, fail };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("GroupCommitter", () => {
  it("commits at once when nothing runs, and gathers what arrives meanwhile into the next group", async () => {
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit);
    const outcomes = ["a", "b", "c"].map((key) => committer.commit(putOf(key)));
    expect(commits.keys()).toEqual([["a"]]);
    commits.groups[0]?.end();
    await settle();
    expect(commits.keys()).toEqual([["a"], ["b", "c"]]);
    commits.groups[1]?.end();
    const messages = (await Promise.all(outcomes)).map((outcome) => (outcome.ok ? "" : outcome.error.message));
    expect(messages).toEqual(["a", "b", "c"]);
  });

  it("waits for changes that are on their way, so that one commit takes them all, and no longer when none is", async () => {
    const clock = new SimulatedClock();
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit, clock);
    const [second, third] = [manualWork(), manualWork()];
    for (const { work } of [second, third]) committer.expectAfter(work);
    const calls = [committer.commit(putOf("a")), second.work.then(() => committer.commit(putOf("b")))];
    second.end();
    await settle();
    expect(commits.keys()).toEqual([]);
    // Nothing comes of the third: it failed.
    third.fail(new Error("no disk"));
    await settle();
    await settle();
    expect(commits.keys()).toEqual([["a", "b"]]);
    commits.groups[0]?.end();
    await Promise.all(calls);
    expect(clock.sleeping).toBe(0);
    const last = committer.commit(putOf("c"));
    expect(commits.keys()).toEqual([["a", "b"], ["c"]]);
    commits.groups[1]?.end();
    await last;
  });

  it("waits 30 ms at most for changes that do not come, once for each group, and a commit that runs is waited for anyway", async () => {
    const clock = new SimulatedClock();
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit, clock);
    const never = manualWork();
    committer.expectAfter(never.work);
    const calls = [committer.commit(putOf("a"))];
    await clock.advance(20);
    calls.push(committer.commit(putOf("b")));
    await clock.advance(9);
    expect(commits.keys()).toEqual([]);
    await clock.advance(1);
    expect(commits.keys()).toEqual([["a", "b"]]);
    calls.push(committer.commit(putOf("c")));
    await clock.advance(100);
    expect(commits.keys()).toEqual([["a", "b"]]);
    commits.groups[0]?.end();
    await clock.advance(30);
    expect(commits.keys()).toEqual([["a", "b"], ["c"]]);
    commits.groups[1]?.end();
    expect(await Promise.all(calls)).toHaveLength(3);
    never.end();
    await committer.close();
  });

  it("never splits the changes of one call, and never makes a group too large", async () => {
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit);
    const calls = [puts(1), puts(600, 1), puts(600, 601), puts(300, 1201)].map((changes) =>
      committer.commitAll(changes),
    );
    for (let group = 0; group < 3; group += 1) {
      commits.groups[group]?.end();
      await settle();
    }
    expect(commits.groups.map((group) => group.changes.length)).toEqual([1, 600, 900]);
    expect((await Promise.all(calls)).map((outcomes) => outcomes.length)).toEqual([1, 600, 600, 300]);
    await expect(committer.commitAll(puts(MAX_GROUP_CHANGES + 1))).rejects.toMatchObject({ code: "too_large" });
    expect(await committer.commitAll([])).toEqual([]);
  });

  it("refuses as overloaded when too much waits, and takes more when that is done", async () => {
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit);
    const calls = Array.from({ length: 8 }, () => committer.commitAll(puts(MAX_GROUP_CHANGES)));
    await expect(committer.commit(putOf("x"))).rejects.toMatchObject({ code: "overloaded" });
    for (let group = 0; group < 8; group += 1) {
      commits.groups[group]?.end();
      await settle();
    }
    await Promise.all(calls);
    const more = committer.commit(putOf("x"));
    commits.groups[8]?.end();
    expect(await more).toMatchObject({ ok: false });
  });

  it("tells everyone in a group that failed, and goes on with the next", async () => {
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit);
    const first = committer.commit(putOf("a"));
    const second = committer.commit(putOf("b"));
    commits.groups[0]?.fail(new KoboldError("catalog_unavailable", "away"));
    await expect(first).rejects.toMatchObject({ code: "catalog_unavailable" });
    commits.groups[1]?.end();
    expect(await second).toMatchObject({ ok: false });
  });

  it("lets the next group begin when one cannot be settled yet, once, after 30 ms", async () => {
    const clock = new SimulatedClock();
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit, clock);
    const calls = ["a", "b", "c"].map((key) => committer.commit(putOf(key)));
    commits.groups[0]?.release();
    await clock.advance(29);
    expect(commits.keys()).toEqual([["a"]]);
    await clock.advance(1);
    expect(commits.keys()).toEqual([["a"], ["b", "c"]]);
    const fourth = committer.commit(putOf("d"));
    commits.groups[0]?.release();
    commits.groups[0]?.end();
    await clock.advance(2);
    expect(commits.keys()).toHaveLength(2);
    commits.groups[1]?.end();
    await settle();
    commits.groups[2]?.end();
    expect(await Promise.all([...calls, fourth])).toHaveLength(4);
  });

  it("waits while the mirrors take a group, and then for those who were answered to come back, 2 ms at most", async () => {
    const clock = new SimulatedClock();
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit, clock);
    const first = committer.commitAll(puts(2));
    commits.groups[0]?.release();
    const second = committer.commit(putOf("b"));
    commits.groups[0]?.end();
    await first;
    expect(commits.groups).toHaveLength(1);
    // Back before the 2 ms are over: nothing is left to wait for.
    const third = committer.commit(putOf("c"));
    expect(commits.keys()[1]).toEqual(["b", "c"]);
    commits.groups[1]?.release();
    const fourth = committer.commit(putOf("d"));
    commits.groups[1]?.end();
    await Promise.all([second, third]);
    const fifth = committer.commit(putOf("e"));
    await clock.advance(1);
    expect(commits.groups).toHaveLength(2);
    // The other one does not come.
    await clock.advance(1);
    expect(commits.keys()[2]).toEqual(["d", "e"]);
    commits.groups[2]?.end();
    await Promise.all([fourth, fifth]);
  });

  it("does not let one who asks again and again wait for himself", async () => {
    const clock = new SimulatedClock();
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit, clock);
    for (let turn = 0; turn < 3; turn += 1) {
      const call = committer.commit(putOf(`k${turn}`));
      expect(commits.groups).toHaveLength(turn + 1);
      commits.groups[turn]?.release();
      commits.groups[turn]?.end();
      await call;
    }
  });

  it("finishes what came before it was closed, and refuses what comes after", async () => {
    const commits = new ManualCommits();
    const committer = new GroupCommitter(commits.commit);
    const calls = [committer.commit(putOf("a")), committer.commit(putOf("b"))];
    let isClosed = false;
    const closing = committer.close().then(() => {
      isClosed = true;
    });
    await expect(committer.commit(putOf("c"))).rejects.toMatchObject({ code: "shutting_down" });
    commits.groups[0]?.end();
    await settle();
    expect(isClosed).toBe(false);
    commits.groups[1]?.end();
    await closing;
    expect(await Promise.all(calls)).toHaveLength(2);
    await new GroupCommitter(commits.commit).close();
  });
});
