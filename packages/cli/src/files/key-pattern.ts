/** What one step of a pattern takes. */
type Token =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "class"; readonly has: (character: string) => boolean }
  /** `?`: one character, no slash. */
  | { readonly kind: "one" }
  /** `*`: any characters, no slash. */
  | { readonly kind: "some" }
  /** `**`: any characters. */
  | { readonly kind: "any" }
  /** The beginning of a double star with a slash behind it: goes on, or passes over the step after it. */
  | { readonly kind: "maybe" }
  /** Folders: any characters up to a slash. */
  | { readonly kind: "folders" };

/**
 * A pattern of keys as in a shell: `*` takes any characters but a slash, `**` any, `**` with a slash any folders or none,
 * `?` one character but a slash, `[a-z]` and `[!a-z]` one of a set; a backslash takes the next character as it stands.
 * All possible ways are followed at once, so that no pattern takes longer than its length times that of the key.
 */
export class KeyPattern {
  /** Every key that matches begins so. */
  readonly prefix: string;
  readonly #tokens: readonly Token[];

  private constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    const first = tokens.findIndex((token) => token.kind !== "text");
    this.prefix = tokens
      .slice(0, first)
      .map((token) => (token.kind === "text" ? token.text : ""))
      .join("");
  }

  /** Undefined for a text without wildcards, which means itself, backslashes and all. */
  static parse(text: string): KeyPattern | undefined {
    if (!/[*?[]/.test(text)) return undefined;
    const tokens = parseTokens(text);
    // Wildcards that were all escaped: still to be read as a pattern, since the backslashes mean something.
    return new KeyPattern(tokens.length === 0 ? [{ kind: "text", text: "" }] : tokens);
  }

  /** The key, when every wildcard was escaped. */
  get literal(): string | undefined {
    if (this.#tokens.some((token) => token.kind !== "text")) return undefined;
    return this.#tokens.map((token) => (token.kind === "text" ? token.text : "")).join("");
  }

  matches(key: string): boolean {
    let places = this.#reach([0]);
    for (const character of key) {
      const next: number[] = [];
      for (const place of places) next.push(...this.#step(place, character));
      places = this.#reach(next);
      if (places.size === 0) return false;
    }
    return places.has(this.#tokens.length);
  }

  /** Where a character leads from a place. */
  #step(place: number, character: string): readonly number[] {
    const token = this.#tokens[place];
    switch (token?.kind) {
      case "text":
        return token.text === character ? [place + 1] : [];
      case "class":
        return character !== "/" && token.has(character) ? [place + 1] : [];
      case "one":
        return character === "/" ? [] : [place + 1];
      case "some":
        return character === "/" ? [] : [place];
      case "any":
        return [place];
      case "folders":
        return character === "/" ? [place, place + 1] : [place];
      default:
        return [];
    }
  }

  /** The places, and those that are reached from them without taking a character. */
  #reach(places: readonly number[]): Set<number> {
    const reached = new Set<number>();
    const waiting = [...places];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      if (reached.has(place)) continue;
      reached.add(place);
      const kind = this.#tokens[place]?.kind;
      if (kind === "some" || kind === "any") waiting.push(place + 1);
      if (kind === "maybe") waiting.push(place + 1, place + 2);
    }
    return reached;
  }
}

function parseTokens(text: string): Token[] {
  const tokens: Token[] = [];
  const characters = Array.from(text);
  for (let index = 0; index < characters.length; ) {
    const { taken, length } = parseToken(characters, index);
    tokens.push(...taken);
    index += length;
  }
  return tokens;
}

function parseToken(characters: readonly string[], index: number): { taken: readonly Token[]; length: number } {
  const [character = "", second, third] = characters.slice(index, index + 3);
  if (character === "\\" && second !== undefined) return { taken: [{ kind: "text", text: second }], length: 2 };
  if (character === "?") return { taken: [{ kind: "one" }], length: 1 };
  if (character === "*" && second !== "*") return { taken: [{ kind: "some" }], length: 1 };
  if (character === "*") {
    const atStart = index === 0 || characters[index - 1] === "/";
    if (atStart && third === "/") return { taken: [{ kind: "maybe" }, { kind: "folders" }], length: 3 };
    return { taken: [{ kind: "any" }], length: 2 };
  }
  const set = character === "[" ? parseSet(characters, index) : undefined;
  return set ?? { taken: [{ kind: "text", text: character }], length: 1 };
}

/** `[a-z_]`; undefined when the bracket is never closed and so stands for itself. */
function parseSet(
  characters: readonly string[],
  start: number,
): { taken: readonly Token[]; length: number } | undefined {
  const negated = characters[start + 1] === "!" || characters[start + 1] === "^";
  const first = start + (negated ? 2 : 1);
  // A bracket that stands first is one of the set.
  const end = characters.indexOf("]", first + 1);
  if (end === -1) return undefined;
  const members = characters.slice(first, end);
  const ranges: [string, string][] = [];
  for (let index = 0; index < members.length; index += 1) {
    const from = members[index] ?? "";
    const to = members[index + 2];
    if (members[index + 1] === "-" && to !== undefined) {
      ranges.push([from, to]);
      index += 2;
    } else ranges.push([from, from]);
  }
  const has = (character: string) => ranges.some(([from, to]) => isBetween(character, from, to)) !== negated;
  return { taken: [{ kind: "class", has }], length: end - start + 1 };
}

function isBetween(character: string, from: string, to: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  return point >= (from.codePointAt(0) ?? 0) && point <= (to.codePointAt(0) ?? 0);
}
