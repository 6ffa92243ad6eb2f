import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { describe, isMissing } from "../sync/system-failure.js";
import { UsageError } from "../usage-error.js";
import { ODD_FOLDER, OWN_FOLDER } from "./export-path.js";

/** What a folder is the export of, for as long as it is one. */
export interface ExportSubject {
  readonly cluster: string;
  readonly namespace: string;
  readonly prefix: string;
}

/** The folder of an export. Everything in it belongs to the export: what is not of it goes. */
export class ExportPlace {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** Throws a UsageError for a folder that has something else in it, or another export. */
  static open(root: string, subject: ExportSubject): ExportPlace {
    const place = new ExportPlace(root);
    try {
      const names = readNames(root);
      const own = place.#readSubject();
      if (own === undefined && names.length > 0) throw notOurs(root, "it is not empty, and no export");
      if (own !== undefined && own !== format(subject))
        throw notOurs(root, `it is the export of something else: ${own}`);
      mkdirSync(join(root, ODD_FOLDER), { recursive: true });
      rmSync(place.incoming, { recursive: true, force: true });
      mkdirSync(place.incoming);
      writeFileSync(place.#subjectPath, format(subject));
      return place;
    } catch (cause) {
      if (cause instanceof UsageError) throw cause;
      throw new KoboldError("target_unwritable", `cannot export into ${root}: ${describe(cause)}`, { cause });
    }
  }

  get manifest(): string {
    return join(this.root, OWN_FOLDER, "manifest.jsonl");
  }

  /** Where files are made before they get their names. */
  get incoming(): string {
    return join(this.root, OWN_FOLDER, "incoming");
  }

  get #subjectPath(): string {
    return join(this.root, OWN_FOLDER, "export.json");
  }

  #readSubject(): string | undefined {
    try {
      return readFileSync(this.#subjectPath, "utf8");
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw cause;
    }
  }
}

function readNames(root: string): string[] {
  try {
    return readdirSync(root);
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw cause;
  }
}

function format({ cluster, namespace, prefix }: ExportSubject): string {
  return `${JSON.stringify({ cluster, namespace, prefix })}\n`;
}

function notOurs(root: string, why: string): UsageError {
  return new UsageError(`${root} cannot be exported into: ${why.trimEnd()}`, "Name a folder that is not there yet.");
}
