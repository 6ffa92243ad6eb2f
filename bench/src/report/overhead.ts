/** CPU microseconds of one get, both ways, measured one after the other. */
export interface Round {
  readonly bareMicros: number;
  readonly clientMicros: number;
}

export interface Overhead extends Round {
  /** Median of the rounds' differences: what disturbs the machine for a while disturbs both sides of a round. */
  readonly addedMicros: number;
}

export function summarizeOverhead(rounds: readonly Round[]): Overhead {
  return {
    bareMicros: median(rounds.map(({ bareMicros }) => bareMicros)),
    clientMicros: median(rounds.map(({ clientMicros }) => clientMicros)),
    addedMicros: median(rounds.map(({ bareMicros, clientMicros }) => clientMicros - bareMicros)),
  };
}

export function formatOverhead({ bareMicros, clientMicros, addedMicros }: Overhead): string {
  const micros = (value: number) => `${value.toFixed(1).padStart(7)} µs`;
  return `CPU of one get of 4 KiB, median of the rounds
  bare undici   ${micros(bareMicros)}
  client        ${micros(clientMicros)}
  added         ${micros(addedMicros)}
`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("there was no round");
  return middle;
}
