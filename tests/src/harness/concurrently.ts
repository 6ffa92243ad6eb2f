/** Runs `task` for every item, `width` at a time. Stops at the first failure and rejects with it. */
export async function concurrently<T>(
  items: Iterable<T>,
  width: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let step = iterator.next(); step.done !== true && !failed; step = iterator.next()) {
      try {
        await task(step.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}
