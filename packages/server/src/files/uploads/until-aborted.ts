/**
 * What the iterable gives until the signal fires, whose reason is thrown then, also while the next chunk is awaited. The
 * iterable is left as it is then: whoever owns it ends it.
 */
export async function* untilAborted<T>(iterable: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = iterable[Symbol.asyncIterator]();
  let isAwaited = false;
  try {
    for (;;) {
      isAwaited = true;
      const next = await nextOrAbort(iterator, signal);
      isAwaited = false;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // An iterator that is still waiting would keep us waiting for its end too.
    if (!isAwaited) await iterator.return?.();
  }
}

function nextOrAbort<T>(iterator: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    iterator
      .next()
      .finally(() => signal.removeEventListener("abort", abort))
      .then(resolve, reject);
  });
}
