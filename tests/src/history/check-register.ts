/**
 * One request on a register, as its client saw it. `value` is what was written or read; undefined means that there was
 * nothing, or that it was deleted. Every write of something has a value of its own.
 */
export interface RegisterOperation {
  readonly kind: "write" | "read";
  readonly value: string | undefined;
  /** Of one monotonic clock. */
  readonly startMs: number;
  /** When the answer had arrived; undefined when none came: a write may have happened since, or may yet, or never. */
  readonly endMs: number | undefined;
}

/**
 * Says why no order of these operations explains what everybody saw; undefined when there is one. An order explains it
 * when each operation stands between its start and its end, and each read sees the last write before it.
 *
 * This is the search of Wing and Gong (1993) with Lowe's memory of states that led nowhere (2017): take an operation that
 * nothing else must precede, and go on with the rest. Two things keep it short. A read that fits is taken at once, since it
 * changes nothing. A write that was not answered is only taken where a read needs it: before that it may as well not have
 * happened yet, and when no read needs it, it may as well never happen.
 */
export function findRegisterFault(operations: readonly RegisterOperation[]): string | undefined {
  const certain = operations.filter(({ endMs }) => endMs !== undefined).toSorted((a, b) => a.startMs - b.startMs);
  const doubtful = operations.filter(({ kind, endMs }) => kind === "write" && endMs === undefined);
  return new RegisterSearch(certain, doubtful).run();
}

/** A choice that can still be made otherwise: what was taken, and what the register held then. */
interface Position {
  readonly taken: ReadonlySet<number>;
  readonly value: string | undefined;
}

class RegisterSearch {
  /** With an end, by their starts. */
  readonly #certain: readonly RegisterOperation[];
  readonly #doubtful: readonly RegisterOperation[];
  readonly #seen = new Set<string>();
  #furthest: Position = { taken: new Set(), value: undefined };

  constructor(certain: readonly RegisterOperation[], doubtful: readonly RegisterOperation[]) {
    this.#certain = certain;
    this.#doubtful = doubtful;
  }

  run(): string | undefined {
    const open: Position[] = [{ taken: new Set(), value: undefined }];
    for (let position = open.pop(); position !== undefined; position = open.pop()) {
      const settled = this.#takeFittingReads(position);
      if (this.#countCertain(settled) === this.#certain.length) return undefined;
      if (this.#countCertain(settled) >= this.#countCertain(this.#furthest)) this.#furthest = settled;
      for (const next of this.#listNext(settled)) {
        const name = nameOf(next);
        if (this.#seen.has(name)) continue;
        this.#seen.add(name);
        open.push(next);
      }
    }
    return this.#describe();
  }

  #countCertain({ taken }: Position): number {
    let count = 0;
    for (const index of taken) if (index < this.#certain.length) count += 1;
    return count;
  }

  #takeFittingReads(position: Position): Position {
    const taken = new Set(position.taken);
    for (let isMore = true; isMore; ) {
      const fitting = this.#listReady(taken).filter((index) => {
        const { kind, value } = this.#certain[index] as RegisterOperation;
        return kind === "read" && value === position.value;
      });
      for (const index of fitting) taken.add(index);
      isMore = fitting.length > 0;
    }
    return { taken, value: position.value };
  }

  #listNext({ taken, value }: Position): Position[] {
    const ready = this.#listReady(taken);
    const next: Position[] = [];
    for (const index of ready) {
      const operation = this.#certain[index] as RegisterOperation;
      if (operation.kind === "write") next.push({ taken: new Set(taken).add(index), value: operation.value });
    }
    const needed = new Set(
      ready
        .map((index) => this.#certain[index])
        .filter((one) => one?.kind === "read")
        .map((one) => one?.value),
    );
    const deadlineMs = this.#deadlineOf(taken);
    for (const [index, write] of this.#doubtful.entries()) {
      const name = this.#certain.length + index;
      if (taken.has(name) || write.startMs > deadlineMs || write.value === value || !needed.has(write.value)) continue;
      next.push({ taken: new Set(taken).add(name), value: write.value });
    }
    return next;
  }

  /** Those that nothing else must precede: they began before the first of the others ended. */
  #listReady(taken: ReadonlySet<number>): number[] {
    const deadlineMs = this.#deadlineOf(taken);
    const ready: number[] = [];
    for (const [index, { startMs }] of this.#certain.entries()) {
      if (startMs > deadlineMs) break;
      if (!taken.has(index)) ready.push(index);
    }
    return ready;
  }

  #deadlineOf(taken: ReadonlySet<number>): number {
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (const [index, { startMs, endMs = 0 }] of this.#certain.entries()) {
      if (startMs > deadlineMs) break;
      if (!taken.has(index)) deadlineMs = Math.min(deadlineMs, endMs);
    }
    return deadlineMs;
  }

  #describe(): string {
    const { taken, value } = this.#furthest;
    const stuck = this.#listReady(taken).map((index) => formatOperation(this.#certain[index] as RegisterOperation));
    return `after ${taken.size} operations the register holds ${formatValue(value)}, and none of these can follow: ${stuck.join("; ")}`;
  }
}

/** Operations are taken nearly in their order: the first that is missing and the few behind it say it all. */
function nameOf({ taken, value }: Position): string {
  let first = 0;
  while (taken.has(first)) first += 1;
  const behind = [...taken].filter((index) => index > first).sort((a, b) => a - b);
  return `${first} ${behind.join(",")} ${value}`;
}

function formatOperation({ kind, value, startMs, endMs }: RegisterOperation): string {
  return `a ${kind} of ${formatValue(value)} from ${startMs.toFixed(1)} to ${endMs?.toFixed(1)}`;
}

function formatValue(value: string | undefined): string {
  return value === undefined ? "nothing" : value.slice(0, 12);
}
