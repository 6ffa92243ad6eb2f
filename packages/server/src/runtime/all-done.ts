/** Like Promise.all, but settles only when nothing is running any more: what they use can be put away afterwards. */
export async function allDone<T extends readonly unknown[]>(...running: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(running);
  return Promise.all(running) as Promise<T>;
}
