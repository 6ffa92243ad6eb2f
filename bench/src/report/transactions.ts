/** Milliseconds of one round, and the machine's load average at its end. */
export interface TransactionRound {
  /** All files put outside of a transaction. */
  readonly outsideMs: number;
  /** The same number staged. */
  readonly stagedMs: number;
  readonly commitMs: number;
  readonly prepareMs: number;
  /** The commit of a transaction that was prepared. */
  readonly preparedCommitMs: number;
  readonly load: number;
}

export function formatTransactions(engine: string, rounds: readonly TransactionRound[]): string {
  const of = (pick: (round: TransactionRound) => number) => median(rounds.map(pick));
  const ms = (value: number) => `${value.toFixed(0).padStart(6)} ms`;
  // Of each round by itself: what disturbs the machine for a while disturbs both sides of a round.
  const ratio = of(({ outsideMs, stagedMs, commitMs }) => (stagedMs + commitMs) / outsideMs);
  return `${engine}: 1,000 files of 4 KiB, median of ${rounds.length} rounds, load ${of(({ load }) => load).toFixed(1)}
  put outside             ${ms(of(({ outsideMs }) => outsideMs))}
  staged and committed    ${ms(of(({ stagedMs, commitMs }) => stagedMs + commitMs))}   ${ratio.toFixed(2)} x
  the commit alone        ${ms(of(({ commitMs }) => commitMs))}
  a prepare               ${ms(of(({ prepareMs }) => prepareMs))}
  the commit behind it    ${ms(of(({ preparedCommitMs }) => preparedCommitMs))}
`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("there was no round");
  return middle;
}
