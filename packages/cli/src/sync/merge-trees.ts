import { compareKeys } from "@koboldfs/client";

interface Keyed {
  readonly key: string;
}

/** One key, and what each side has under it; at least one side has something. */
export interface Pair<L extends Keyed, R extends Keyed> {
  readonly key: string;
  readonly local: L | undefined;
  readonly remote: R | undefined;
}

/** Walks two sides, both in the byte order of their keys, together. Holds one entry of each. */
export async function* mergeTrees<L extends Keyed, R extends Keyed>(
  local: AsyncIterable<L>,
  remote: AsyncIterable<R>,
): AsyncGenerator<Pair<L, R>> {
  const left = local[Symbol.asyncIterator]();
  const right = remote[Symbol.asyncIterator]();
  try {
    let l = await pull(left);
    let r = await pull(right);
    while (l !== undefined || r !== undefined) {
      const order = l === undefined ? 1 : r === undefined ? -1 : compareKeys(l.key, r.key);
      const pair = {
        key: (order <= 0 ? l : r)?.key ?? "",
        local: order <= 0 ? l : undefined,
        remote: order >= 0 ? r : undefined,
      };
      yield pair;
      if (order <= 0) l = await pull(left);
      if (order >= 0) r = await pull(right);
    }
  } finally {
    await left.return?.();
    await right.return?.();
  }
}

async function pull<T>(iterator: AsyncIterator<T>): Promise<T | undefined> {
  const next = await iterator.next();
  return next.done === true ? undefined : next.value;
}
