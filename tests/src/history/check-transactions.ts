/** What a key named, or undefined for nothing. Every value is written by one transaction only. */
export interface Fact {
  readonly key: string;
  readonly value: string | undefined;
}

/** A change as it was staged: it holds only if each fact that it relies on is true when it becomes current. */
export interface Change {
  readonly kind: "change";
  readonly relies: readonly Fact[];
  readonly effects: readonly Fact[];
}

/** An answer about some keys at one moment between the question and the answer. Times are of one monotonic clock. */
export interface Look {
  readonly kind: "look";
  readonly startMs: number;
  readonly endMs: number;
  readonly facts: readonly Fact[];
}

/** A look from outside of all transactions; `asOf` names the number of a change whose moment is meant instead. */
export interface OutsideLook extends Look {
  readonly asOf?: number;
}

export interface RecordedTransaction {
  readonly tag: string;
  /** In the order in which its client took them. */
  readonly steps: readonly (Change | Look)[];
  /** When the commit was asked for first; undefined: never. */
  readonly commitMs: number | undefined;
  /** When its outcome was known. */
  readonly endMs: number;
  /** The number of its commit; undefined: it was not committed. Recorders find out what they were not told. */
  readonly version: number | undefined;
}

export interface TransactionHistory {
  readonly transactions: readonly RecordedTransaction[];
  readonly looks: readonly OutsideLook[];
}

type State = ReadonlyMap<string, string>;
type Committed = RecordedTransaction & { readonly version: number; readonly commitMs: number };

/**
 * Says in sentences what is wrong with a history that began with no files; an empty list means that the committed transactions,
 * one after the other in the order of their numbers, explain everything that anybody saw: an order that agrees with real time, in
 * which each change found what it relied on, no look saw a part of a transaction, and each transaction saw its own changes.
 * The numbers tell the order, so nothing needs to be searched for.
 */
export function checkTransactions(history: TransactionHistory): string[] {
  const order = history.transactions.filter(isCommitted).sort((a, b) => a.version - b.version);
  const { states, faults } = replay(order);
  const judge = new Judge(history, order, states);
  return [
    ...checkOutcomes(history.transactions),
    ...checkRealTime(order),
    ...faults,
    ...history.transactions.flatMap(checkOwnReads),
    ...judge.findFaults(),
  ];
}

function isCommitted(transaction: RecordedTransaction): transaction is Committed {
  return transaction.version !== undefined && transaction.commitMs !== undefined;
}

function checkOutcomes(transactions: readonly RecordedTransaction[]): string[] {
  const faults: string[] = [];
  const owners = new Map<number, string>();
  for (const { tag, version, commitMs } of transactions) {
    if (version === undefined) continue;
    if (commitMs === undefined) faults.push(`${tag} is committed, which nobody asked for`);
    const owner = owners.get(version);
    if (owner !== undefined) faults.push(`${owner} and ${tag} have the same number ${version}`);
    owners.set(version, tag);
  }
  return faults;
}

/** What was known to be committed before another commit was asked for has the lower number. */
function checkRealTime(order: readonly Committed[]): string[] {
  const faults: string[] = [];
  const ended = [...order].sort((a, b) => a.endMs - b.endMs);
  let next = 0;
  let newest: Committed | undefined;
  for (const later of [...order].sort((a, b) => a.commitMs - b.commitMs)) {
    for (let before = ended[next]; before !== undefined && before.endMs < later.commitMs; before = ended[next]) {
      if (newest === undefined || before.version > newest.version) newest = before;
      next += 1;
    }
    if (newest !== undefined && newest.version > later.version) {
      faults.push(`${later.tag} has number ${later.version}, but ${newest.tag} was over before with ${newest.version}`);
    }
  }
  return faults;
}

/** The states between the transactions, the first one without files. */
function replay(order: readonly Committed[]): { states: State[]; faults: string[] } {
  const states: State[] = [new Map()];
  const faults: string[] = [];
  for (const { tag, version, steps } of order) {
    const state = new Map(states.at(-1));
    for (const step of steps) {
      if (step.kind !== "change") continue;
      for (const { key, value } of step.relies) {
        if (state.get(key) === value) continue;
        faults.push(
          `lost update: ${tag} (${version}) relied on ${show(value)} in ${key}, which had ${show(state.get(key))}`,
        );
      }
      applyEffects(state, step);
    }
    states.push(state);
  }
  return { states, faults };
}

function applyEffects(state: Map<string, string | undefined>, { effects }: Change): void {
  for (const { key, value } of effects) {
    if (value === undefined) state.delete(key);
    else state.set(key, value);
  }
}

/** What a transaction has changed it must see, whatever becomes of it. */
function checkOwnReads({ tag, steps }: RecordedTransaction): string[] {
  const faults: string[] = [];
  walkSteps(steps, (look, own) => {
    for (const { key, value } of look.facts) {
      if (own.has(key) && own.get(key) !== value)
        faults.push(`own write not read: ${tag} made ${key} ${show(own.get(key))} and saw ${show(value)}`);
    }
  });
  return faults;
}

/** Each look with what the transaction had changed before. */
function walkSteps(
  steps: RecordedTransaction["steps"],
  visit: (look: Look, own: ReadonlyMap<string, string | undefined>) => void,
): void {
  const own = new Map<string, string | undefined>();
  for (const step of steps) {
    if (step.kind === "look") visit(step, own);
    else for (const { key, value } of step.effects) own.set(key, value);
  }
}

interface PlacedLook {
  readonly look: Look;
  readonly name: string;
}

/** Finds for each look a state that explains it, at a moment that real time allows. */
class Judge {
  readonly #order: readonly Committed[];
  readonly #states: readonly State[];
  readonly #history: TransactionHistory;
  readonly #writers = new Map<string, RecordedTransaction>();

  constructor(history: TransactionHistory, order: readonly Committed[], states: readonly State[]) {
    this.#history = history;
    this.#order = order;
    this.#states = states;
    const changes = history.transactions.flatMap((owner) => owner.steps.map((step) => ({ owner, step })));
    for (const { owner, step } of changes) {
      if (step.kind !== "change") continue;
      // Whoever moves a value relies on it; whoever wrote it does not.
      const moved = new Set(step.relies.map(({ value }) => value));
      for (const { value } of step.effects)
        if (value !== undefined && !moved.has(value)) this.#writers.set(value, owner);
    }
  }

  findFaults(): string[] {
    const past = this.#history.looks.filter(({ asOf }) => asOf !== undefined);
    return [...past.flatMap((look) => this.#checkPast(look)), ...this.#checkPresent()];
  }

  #checkPast(look: OutsideLook): string[] {
    const asOf = look.asOf ?? 0;
    const index = this.#order.findIndex(({ version }) => version >= asOf);
    if (index < 0) return [`a look as of ${asOf}, which is no recorded change`];
    const state = this.#states[index + 1] as State;
    const name = `a look as of ${asOf}, in ${this.#order[index]?.tag},`;
    return matches(state, look.facts) ? [] : [this.#explain({ look, name }, [index + 1, index + 1])];
  }

  /** Looks take the earliest state that they can: later ones are then bound the least. */
  #checkPresent(): string[] {
    const faults: string[] = [];
    const looks = this.#presentLooks().sort((a, b) => a.look.startMs - b.look.startMs);
    const commits = new Ended(this.#order.map(({ endMs }, index) => ({ endMs, state: index + 1 })));
    const seen = new Ended([]);
    for (const placed of looks) {
      const { startMs, endMs, facts } = placed.look;
      const least = Math.max(commits.newestBefore(startMs), seen.newestBefore(startMs));
      let most = least;
      while (most < this.#order.length && (this.#order[most] as Committed).commitMs <= endMs) most += 1;
      let state = least;
      while (state <= most && !matches(this.#states[state] as State, facts)) state += 1;
      if (state > most) faults.push(this.#explain(placed, [least, most]));
      else seen.add({ endMs, state });
    }
    return faults;
  }

  #presentLooks(): PlacedLook[] {
    const present = this.#history.looks.filter(({ asOf }) => asOf === undefined);
    const placed: PlacedLook[] = present.map((look) => ({ look, name: "a look" }));
    for (const { tag, steps } of this.#history.transactions) {
      walkSteps(steps, (look, own) => {
        const facts = look.facts.filter(({ key }) => !own.has(key));
        placed.push({ look: { ...look, facts }, name: `a look within ${tag}` });
      });
    }
    return placed;
  }

  #explain({ look, name }: PlacedLook, [least, most]: readonly [number, number]): string {
    const where = `${name} at ${look.startMs.toFixed(1)}-${look.endMs.toFixed(1)}`;
    const saw = (fact: Fact) => `${where} saw ${show(fact.value)} in ${fact.key}`;
    for (const fact of look.facts) {
      if (fact.value === undefined) continue;
      const writer = this.#writers.get(fact.value);
      if (writer === undefined) return `${saw(fact)}, which nobody wrote`;
      if (writer.version === undefined) return `${saw(fact)}, which ${writer.tag} wrote, that was not committed`;
    }
    const hasIt = (fact: Fact) => (state: State) => matches(state, [fact]);
    for (const fact of look.facts) {
      if (this.#states.slice(least, most + 1).some(hasIt(fact))) continue;
      const allowed = `${least} to ${most} of ${this.#order.length} commits`;
      if (this.#states.slice(0, least).some(hasIt(fact))) return `${saw(fact)}, which is older than ${allowed}`;
      if (this.#states.slice(most + 1).some(hasIt(fact))) return `${saw(fact)}, which is newer than ${allowed}`;
      return `${saw(fact)}, which was never there`;
    }
    const facts = look.facts.map(({ key, value }) => `${key}: ${show(value)}`).join(", ");
    return `torn: ${where} saw what never was at one moment: ${facts}`;
  }
}

interface EndedLook {
  readonly endMs: number;
  readonly state: number;
}

/** The newest state that is certain at a moment, for moments that only grow. */
class Ended {
  readonly #waiting: EndedLook[];
  #newest = 0;

  constructor(ended: readonly EndedLook[]) {
    this.#waiting = [...ended];
  }

  add(ended: EndedLook): void {
    this.#waiting.push(ended);
  }

  newestBefore(moment: number): number {
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      const { endMs, state } = this.#waiting[index] as EndedLook;
      if (endMs >= moment) continue;
      this.#newest = Math.max(this.#newest, state);
      this.#waiting.splice(index, 1);
    }
    return this.#newest;
  }
}

function matches(state: State, facts: readonly Fact[]): boolean {
  return facts.every(({ key, value }) => state.get(key) === value);
}

function show(value: string | undefined): string {
  return value === undefined ? "nothing" : `"${value}"`;
}
