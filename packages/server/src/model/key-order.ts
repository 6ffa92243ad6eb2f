/**
 * Keys are compared as their UTF-8 bytes, which is the order of their code points. JavaScript's `<` compares UTF-16
 * units and puts U+E000 to U+FFFF behind the emoji: never use it on keys.
 */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return orderOfUnit(a) - orderOfUnit(b);
  }
  return left.length - right.length;
}

/** Moves the surrogates behind every other unit, where the code points that they spell belong. */
function orderOfUnit(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/**
 * The smallest text behind every text that begins with `prefix`, or undefined when there is none (an empty prefix, or
 * nothing but U+10FFFF). Always well-formed Unicode, so that every engine takes it as a bound.
 */
export function findPrefixSuccessor(prefix: string): string | undefined {
  const points = Array.from(prefix);
  while (points.length > 0) {
    const last = points.pop()?.codePointAt(0) ?? 0;
    if (last === 0x10ffff) continue;
    // The surrogates are no code points of their own: behind U+D7FF comes U+E000.
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return points.join("") + String.fromCodePoint(next);
  }
  return undefined;
}
