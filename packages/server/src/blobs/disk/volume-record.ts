import { join } from "node:path";
import { KoboldError, type NodeId } from "@koboldfs/protocol";
import type { FileSystem } from "../../runtime/file-system.js";
import { isMissing, toDiskError } from "./disk-error.js";

export const RECORD_FILE = "koboldfs.json";
/** Where the record is written first; one that is left over belongs to a directory that never became a volume. */
export const NEW_RECORD_FILE = "koboldfs.json.new";

/** The layout of a volume that this code reads and writes. */
const FORMAT = 1;
/** The record is five short lines; anything longer is something else. */
const MAX_RECORD_BYTES = 4096;

/** `<volume>/koboldfs.json`: whose volume this is. */
export interface VolumeRecord {
  readonly format: number;
  /** 32 hex digits. */
  readonly cluster: string;
  readonly node: NodeId;
  /** 16 hex digits. */
  readonly volume: string;
}

export function newVolumeRecord(ids: Omit<VolumeRecord, "format">): VolumeRecord {
  return { format: FORMAT, ...ids };
}

/** The record of a data directory, or undefined when it has none. Throws `volume_refused` for one we cannot read. */
export async function findVolumeRecord(files: FileSystem, directory: string): Promise<VolumeRecord | undefined> {
  const path = join(directory, RECORD_FILE);
  const text = await readText(files, path);
  if (text === undefined) return undefined;
  return parseVolumeRecord(text, path);
}

/** Durable when it resolves, with every other name in the directory. */
export async function writeVolumeRecord(files: FileSystem, directory: string, record: VolumeRecord): Promise<void> {
  const temporary = join(directory, NEW_RECORD_FILE);
  try {
    await files.unlink(temporary);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const file = await files.open(temporary, "create");
  try {
    await file.write([Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`)]);
    await file.syncData();
  } finally {
    await file.close();
  }
  await files.rename(temporary, join(directory, RECORD_FILE));
  await files.syncFolder(directory);
}

async function readText(files: FileSystem, path: string): Promise<string | undefined> {
  try {
    const file = await files.open(path, "read");
    try {
      const bytes = Buffer.alloc(MAX_RECORD_BYTES);
      return bytes.toString("utf8", 0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toDiskError(error, `cannot read ${path}`);
  }
}

function parseVolumeRecord(text: string, path: string): VolumeRecord {
  const found = parseObject(text, path);
  const { format, cluster, node, volume } = found;
  if (typeof format === "number" && format > FORMAT) {
    throw refused(path, `it was written by a newer KoboldFS (format ${format}, this one knows ${FORMAT})`);
  }
  const isWhole = typeof cluster === "string" && typeof node === "string" && typeof volume === "string";
  if (format !== FORMAT || !isWhole) throw refused(path, "it does not say cluster, node, volume and format");
  return { format, cluster, node: node as NodeId, volume };
}

function parseObject(text: string, path: string): Record<"format" | "cluster" | "node" | "volume", unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return { ...EMPTY, ...value };
  } catch (error) {
    throw new KoboldError("volume_refused", `${path} is refused: it is not JSON`, { cause: error });
  }
  throw refused(path, "it is not a JSON object");
}

const EMPTY = { format: undefined, cluster: undefined, node: undefined, volume: undefined };

function refused(path: string, why: string): KoboldError {
  return new KoboldError("volume_refused", `${path} is refused: ${why}`);
}
