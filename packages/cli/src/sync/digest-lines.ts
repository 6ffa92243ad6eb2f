import { closeSync, createReadStream, openSync, writeSync } from "node:fs";
import { compareKeys } from "@koboldfs/client";
import { isMissing } from "./system-failure.js";

/** What a file was found to be when it was last read, and how it looked from outside then. */
export interface DigestLine {
  readonly key: string;
  readonly fingerprint: string;
  readonly digest: string;
}

/** Another format has another first line, and is not read. */
const FIRST_LINE = "koboldfs digests 1";
/** A key of 1,024 bytes may be escaped to six times as many. Whatever is longer is no line of ours. */
const MAX_LINE_CHARACTERS = 16_384;
/** So many lines, 200 MB or so, are kept for one folder. The files after them are read again by each run. */
const MAX_LINES = 1_000_000;
/** Little enough that a run that is killed forgets little, enough that writing costs nothing. */
const BUFFERED_CHARACTERS = 65_536;

/**
 * The lines of a file, in the byte order of their keys. Ends where the file is damaged: what comes behind is not known, and
 * costs another reading of the files it was about. No file is no lines.
 */
export async function* readDigestLines(path: string): AsyncGenerator<DigestLine> {
  let previous: string | undefined;
  let isFirst = true;
  for await (const lines of readLines(path)) {
    for (const text of lines) {
      const line = isFirst ? undefined : parseLine(text);
      if (isFirst ? text !== FIRST_LINE : line === undefined) return;
      isFirst = false;
      if (line === undefined) continue;
      if (previous !== undefined && compareKeys(previous, line.key) >= 0) return;
      previous = line.key;
      yield line;
    }
  }
}

/** Writes such a file; the keys must come in byte order. */
export class DigestLineWriter {
  readonly #file: number;
  #text = `${FIRST_LINE}\n`;
  #count = 0;

  /** Throws what the system says. */
  constructor(path: string) {
    // Digests tell of contents, and paths of people: nobody else's business.
    this.#file = openSync(path, "w", 0o600);
  }

  add({ key, fingerprint, digest }: DigestLine): void {
    if (this.#count >= MAX_LINES) return;
    this.#count += 1;
    this.#text += `${JSON.stringify([key, fingerprint, digest])}\n`;
    if (this.#text.length >= BUFFERED_CHARACTERS) this.#flush();
  }

  close(): void {
    try {
      this.#flush();
    } finally {
      closeSync(this.#file);
    }
  }

  #flush(): void {
    writeSync(this.#file, this.#text);
    this.#text = "";
  }
}

/** Many at once, and whole ones only: a killed run may have left half of one at the end. */
async function* readLines(path: string): AsyncGenerator<string[]> {
  let rest = "";
  try {
    for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      yield lines;
      if (rest.length > MAX_LINE_CHARACTERS) return;
    }
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
  }
}

function parseLine(text: string): DigestLine | undefined {
  try {
    const [key, fingerprint, digest] = JSON.parse(text) as unknown[];
    if (typeof key !== "string" || typeof fingerprint !== "string" || typeof digest !== "string") return undefined;
    return { key, fingerprint, digest };
  } catch {
    return undefined;
  }
}
