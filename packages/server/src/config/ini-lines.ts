import ini from "ini";

/** A `key = value` of an ini file, or without a value the `[key]` of a section. */
export interface IniLine {
  readonly key: string;
  readonly value: string | undefined;
  /** From 1. */
  readonly line: number;
}

/** What the library makes of one line: it reads `true`, `false` and `null`, and a section is an object. */
type IniValue = string | boolean | null | object;

/**
 * The lines of an ini file that say something. Each is an ini file of its own to the library, so that quotes and comments
 * mean what they mean to it, and the number of the line is known. What stands in a section is left out.
 */
export function readIniLines(text: string): IniLine[] {
  const found: IniLine[] = [];
  let isInSection = false;
  for (const [index, content] of text.split(/\r\n|\n|\r/).entries()) {
    const [entry] = Object.entries(ini.parse(content, { bracketedArray: false }) as Record<string, IniValue>);
    if (entry === undefined) continue;
    const [key, value] = entry;
    if (value !== null && typeof value === "object") {
      isInSection = true;
      found.push({ key, value: undefined, line: index + 1 });
    } else if (!isInSection) found.push({ key, value: String(value), line: index + 1 });
  }
  return found;
}
