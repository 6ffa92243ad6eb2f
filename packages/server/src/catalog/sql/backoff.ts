/** A growing, random pause: nodes that collided once shall not collide again in step. */
export function pauseMs(attempt: number, bounds: { firstMs: number; longestMs: number }): number {
  const ceiling = Math.min(bounds.longestMs, bounds.firstMs * 2 ** (attempt - 1));
  return ceiling * (0.5 + Math.random() / 2);
}
