/** One request as a client saw it. Times are of one monotonic clock; `endMs` is when the answer had arrived. */
interface Observed {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
}

export interface ObservedPut extends Observed {
  readonly kind: "put";
  readonly digest: string;
  /** Undefined when no answer came: it may have happened, then or later, or not. */
  readonly version: number | undefined;
}

export interface ObservedGet extends Observed {
  readonly kind: "get";
  /** Of the bytes that arrived, not of what the headers said; undefined for 404. */
  readonly digest: string | undefined;
  /** What the headers said; undefined for 404. */
  readonly version: number | undefined;
}

export type Observation = ObservedPut | ObservedGet;

/**
 * Says in sentences what is wrong with a history of puts and gets; an empty list means it is linearizable per key.
 * Versions are journal numbers, so they tell the order of writes and nothing needs to be searched for.
 */
export function checkHistory(history: readonly Observation[]): string[] {
  const keys = new Set(history.map((observation) => observation.key));
  return [
    ...checkVersionsUnique(history),
    ...[...keys].flatMap((key) => checkKey(history.filter((o) => o.key === key))),
  ];
}

function checkVersionsUnique(history: readonly Observation[]): string[] {
  const owners = new Map<number, ObservedPut>();
  const faults: string[] = [];
  for (const put of history) {
    if (put.kind !== "put" || put.version === undefined) continue;
    const owner = owners.get(put.version);
    if (owner !== undefined)
      faults.push(`two puts were acknowledged as version ${put.version}: ${owner.key} and ${put.key}`);
    owners.set(put.version, put);
  }
  return faults;
}

function checkKey(history: readonly Observation[]): string[] {
  const puts = history.filter((observation) => observation.kind === "put");
  const gets = history.filter((observation) => observation.kind === "get");
  return [...gets.flatMap((get) => checkBytes(get, puts)), ...checkOrder(history)];
}

/** What a read returned must be what one put wrote that had begun before the read ended. */
function checkBytes(get: ObservedGet, puts: readonly ObservedPut[]): string[] {
  if (get.version === undefined) return [];
  const acknowledged = puts.find((put) => put.version === get.version);
  if (acknowledged !== undefined) {
    if (acknowledged.digest !== get.digest) {
      return [
        `a read of ${get.key} at ${get.startMs} said version ${get.version} but its bytes are not that version's`,
      ];
    }
    return acknowledged.startMs > get.endMs
      ? [`a read of ${get.key} at ${get.startMs} saw a put that had not begun`]
      : [];
  }
  const unanswered = puts.some(
    (put) => put.version === undefined && put.digest === get.digest && put.startMs <= get.endMs,
  );
  return unanswered ? [] : [`a read of ${get.key} at ${get.startMs} returned bytes that nobody put`];
}

/** Whatever was seen or acknowledged before a request began must not be newer than what the request sees. */
function checkOrder(history: readonly Observation[]): string[] {
  const faults: string[] = [];
  const ended = [...history].sort((a, b) => a.endMs - b.endMs);
  let next = 0;
  let newest: Observation | undefined;
  for (const observation of [...history].sort((a, b) => a.startMs - b.startMs)) {
    for (; next < ended.length; next += 1) {
      const before = ended[next] as Observation;
      if (before.endMs >= observation.startMs) break;
      if (versionOf(before) > versionOf(newest)) newest = before;
    }
    if (newest === undefined || (observation.kind === "put" && observation.version === undefined)) continue;
    if (goesBack(observation, newest)) faults.push(describeStep(observation, newest));
  }
  return faults;
}

function goesBack(observation: Observation, newest: Observation): boolean {
  const isNewWrite = observation.kind === "put";
  return isNewWrite ? versionOf(observation) <= versionOf(newest) : versionOf(observation) < versionOf(newest);
}

/** 0 stands for "no file yet"; journal numbers begin at 1. */
function versionOf(observation: Observation | undefined): number {
  return observation?.version ?? 0;
}

function describeStep(observation: Observation, newest: Observation): string {
  const { kind, key, startMs } = observation;
  const seen = `version ${versionOf(newest)} by a ${newest.kind} that ended at ${newest.endMs}`;
  return `a ${kind} of ${key} that began at ${startMs} has version ${versionOf(observation)}, after ${seen}`;
}
