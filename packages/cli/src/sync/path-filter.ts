import { Minimatch, type MinimatchOptions } from "minimatch";
import { UsageError } from "../usage-error.js";

/** One `--include` or `--exclude`, in the place where it stood on the command line. */
export interface FilterRule {
  readonly kind: "include" | "exclude";
  readonly pattern: string;
}

/** Names are bytes that somebody chose: a dot, `!`, `#` or parenthesis in front means nothing special. */
const OPTIONS: MinimatchOptions = {
  dot: true,
  nonegate: true,
  nocomment: true,
  noext: true,
  // Keys have slashes on every system, and a backslash makes the next character an ordinary one.
  platform: "linux",
  // `{a,b}{c,d}…` multiplies; nobody means more than this.
  braceExpandMax: 1_000,
};

/**
 * Which files take part. The first rule whose pattern fits decides; what no rule fits takes part, unless there are only
 * includes: then naming some means leaving out the rest. A file that does not take part is not looked at on either side.
 */
export class PathFilter {
  readonly #rules: readonly CompiledRule[];
  readonly #otherwise: boolean;

  constructor(rules: readonly FilterRule[]) {
    this.#rules = rules.map(compileRule);
    this.#otherwise = rules.length === 0 || rules.some(({ kind }) => kind === "exclude");
  }

  /** False when every file takes part. */
  get isActive(): boolean {
    return this.#rules.length > 0;
  }

  /** Whether a file takes part, by its path with slashes inside the tree. */
  includes(path: string): boolean {
    for (const rule of this.#rules) {
      if (rule.fits(path)) return rule.include;
    }
    return this.#otherwise;
  }

  /** Whether it is certain that nothing in this folder (a path without a slash at the end) takes part. */
  prunes(folder: string): boolean {
    for (const rule of this.#rules) {
      // A rule before the one that excludes the folder may still want something inside it.
      if (rule.include) return false;
      if (rule.fitsFolder(folder)) return true;
    }
    return false;
  }
}

interface CompiledRule {
  readonly include: boolean;
  fits(path: string): boolean;
  fitsFolder(path: string): boolean;
}

function compileRule({ kind, pattern }: FilterRule): CompiledRule {
  const isFolder = pattern.endsWith("/");
  const named = pattern.replace(/\/+$/, "");
  const glob = named.startsWith("/") ? named.slice(1) : `**/${named}`;
  if (named === "" || named === "/") throw new UsageError(`--${kind} needs a pattern, not ${JSON.stringify(pattern)}`);
  const self = compileGlob(kind, glob);
  const below = compileGlob(kind, `${glob}/**`);
  return {
    include: kind === "include",
    fits: (path) => below.match(path) || (!isFolder && self.match(path)),
    fitsFolder: (path) => self.match(path) || below.match(path),
  };
}

function compileGlob(kind: string, glob: string): Minimatch {
  try {
    return new Minimatch(glob, OPTIONS);
  } catch (cause) {
    throw new UsageError(`--${kind} ${JSON.stringify(glob)}: ${String(cause)}`);
  }
}
