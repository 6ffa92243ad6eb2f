import { basename, dirname } from "node:path";
import type { FileStat, FileSystem, FileSystemRoom, OpenFile, OpenMode } from "./file-system.js";

interface SimulatedFile {
  readonly kind: "file";
  bytes: Buffer;
  /** What an fsync made durable; nothing before the first. */
  durable: Buffer;
}

interface SimulatedFolder {
  readonly kind: "folder";
  names: Map<string, SimulatedNode>;
  durable: Map<string, SimulatedNode>;
}

type SimulatedNode = SimulatedFile | SimulatedFolder;

/**
 * What a power cut leaves of what was not fsynced. A file system promises neither, so code must survive both:
 * nothing at all, or every name (made, moved, removed) but none of the bytes.
 */
export type PowerCutLoss = "names-and-bytes" | "bytes";

/** Room that no test fills. */
const SIMULATED_BYTES = 2 ** 40;

/**
 * Files in memory that know what was fsynced, for tests: the power is cut before a chosen call, every later call
 * fails, and `afterPowerCut` is the disk as the next start finds it.
 */
export class SimulatedFileSystem implements FileSystem {
  #root = newFolder();
  #calls = 0;
  #cutBefore = Number.POSITIVE_INFINITY;

  /** Calls made so far. */
  get calls(): number {
    return this.#calls;
  }

  /** The call with this number (from 1) does not happen any more, nor does any after it. */
  cutPowerBefore(call: number): void {
    this.#cutBefore = call;
  }

  get isCut(): boolean {
    return this.#calls >= this.#cutBefore;
  }

  /** The same disk after the machine started again. */
  afterPowerCut(loss: PowerCutLoss): SimulatedFileSystem {
    const restarted = new SimulatedFileSystem();
    restarted.#root = survivingFolder(this.#root, loss);
    return restarted;
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    this.#tick(path);
    if (mode !== "create") return this.#openFile(path, this.#find(path));
    const { folder, name } = this.#place(path);
    if (folder.names.has(name)) throw systemError("EEXIST", path);
    const file: SimulatedFile = { kind: "file", bytes: Buffer.alloc(0), durable: Buffer.alloc(0) };
    folder.names.set(name, file);
    return this.#openFile(path, file);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#tick(from);
    const node = this.#find(from);
    const target = this.#place(to);
    const source = this.#place(from);
    source.folder.names.delete(source.name);
    target.folder.names.set(target.name, node);
  }

  async unlink(path: string): Promise<void> {
    this.#tick(path);
    this.#find(path);
    const { folder, name } = this.#place(path);
    folder.names.delete(name);
  }

  async mkdir(path: string): Promise<void> {
    this.#tick(path);
    const { folder, name } = this.#place(path);
    if (folder.names.has(name)) throw systemError("EEXIST", path);
    folder.names.set(name, newFolder());
  }

  async syncFolder(path: string): Promise<void> {
    this.#tick(path);
    const folder = this.#findFolder(path);
    folder.durable = new Map(folder.names);
  }

  async readdir(path: string): Promise<string[]> {
    this.#tick(path);
    return [...this.#findFolder(path).names.keys()];
  }

  async findStat(path: string): Promise<FileStat | undefined> {
    this.#tick(path);
    const node = this.#lookUp(path);
    return node && statOf(node);
  }

  async statfs(path: string): Promise<FileSystemRoom> {
    this.#tick(path);
    return { totalBytes: SIMULATED_BYTES, freeBytes: SIMULATED_BYTES, totalInodes: 0, freeInodes: 0 };
  }

  #openFile(path: string, node: SimulatedNode): OpenFile {
    if (node.kind === "folder") throw systemError("EISDIR", path);
    return {
      write: async (chunks) => {
        this.#tick(path);
        node.bytes = Buffer.concat([node.bytes, ...chunks]);
      },
      read: async (target, position) => {
        this.#tick(path);
        return node.bytes.copy(target, 0, position);
      },
      stat: async () => {
        this.#tick(path);
        return statOf(node);
      },
      truncate: async (sizeBytes) => {
        this.#tick(path);
        node.bytes = node.bytes.subarray(0, sizeBytes);
      },
      syncData: async () => {
        this.#tick(path);
        node.durable = node.bytes;
      },
      close: async () => {
        this.#tick(path);
      },
    };
  }

  #tick(path: string): void {
    this.#calls += 1;
    if (this.isCut) throw systemError("EIO", path);
  }

  #lookUp(path: string): SimulatedNode | undefined {
    if (path === "/") return this.#root;
    const parent = this.#lookUp(dirname(path));
    return parent?.kind === "folder" ? parent.names.get(basename(path)) : undefined;
  }

  #find(path: string): SimulatedNode {
    if (path === "/") return this.#root;
    const { folder, name } = this.#place(path);
    const node = folder.names.get(name);
    if (node === undefined) throw systemError("ENOENT", path);
    return node;
  }

  #findFolder(path: string): SimulatedFolder {
    const node = this.#find(path);
    if (node.kind === "folder") return node;
    throw systemError("ENOTDIR", path);
  }

  #place(path: string): { folder: SimulatedFolder; name: string } {
    return { folder: this.#findFolder(dirname(path)), name: basename(path) };
  }
}

function newFolder(): SimulatedFolder {
  return { kind: "folder", names: new Map(), durable: new Map() };
}

function survivingFolder(folder: SimulatedFolder, loss: PowerCutLoss): SimulatedFolder {
  const survived = newFolder();
  for (const [name, node] of loss === "bytes" ? folder.names : folder.durable) {
    survived.names.set(name, surviving(node, loss));
  }
  survived.durable = new Map(survived.names);
  return survived;
}

function surviving(node: SimulatedNode, loss: PowerCutLoss): SimulatedNode {
  if (node.kind === "folder") return survivingFolder(node, loss);
  return { kind: "file", bytes: node.durable, durable: node.durable };
}

function statOf(node: SimulatedNode): FileStat {
  return {
    sizeBytes: node.kind === "file" ? node.bytes.length : 0,
    isFile: node.kind === "file",
    isFolder: node.kind === "folder",
    modifiedMs: 0,
  };
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
