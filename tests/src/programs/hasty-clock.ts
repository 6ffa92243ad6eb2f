/*
 * Loaded into a node before anything else: what takes it hours takes it seconds. The monotonic clock jumps an hour every
 * few seconds, so that what must be seen twice an hour apart is; the long pauses of workers, and the reaper's between two
 * batches of folders, are short. What clients and peers wait for keeps its time. Not for a node that takes puts: a
 * placement that meets a jump is an hour old.
 */
const JUMP_MS = 61 * 60_000;
const JUMP_EVERY_MS = 2_000;
/** Workers' pauses are longer than anything a request waits for. */
const LONG_PAUSE_MS = 30_000;
const REAP_PAUSE_MS = 1_500;
const SHORT_MS = 200;

const startedNs = process.hrtime.bigint();
const readNs = process.hrtime.bigint.bind(process.hrtime);
process.hrtime.bigint = () => {
  const now = readNs();
  const jumps = (now - startedNs) / BigInt(JUMP_EVERY_MS * 1_000_000);
  return now + jumps * BigInt(JUMP_MS * 1_000_000);
};

const setTimer = globalThis.setTimeout;
const setHastyTimer = (wake: () => void, ms = 0, ...rest: []) =>
  setTimer(wake, ms >= LONG_PAUSE_MS || ms === REAP_PAUSE_MS ? SHORT_MS : ms, ...rest);
globalThis.setTimeout = Object.assign(setHastyTimer, setTimer);
