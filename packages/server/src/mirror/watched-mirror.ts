import type { FileKey, NamespaceInfo, NamespaceName } from "@koboldfs/protocol";
import type { ListPage, ListQuery, NamespaceHorizon, NodeRecord } from "../catalog/catalog.js";
import type { FileRecord } from "../model/change.js";
import type { JournalGroup } from "../model/journal-group.js";
import type { JournalPoint } from "../model/journal-history.js";
import type { Mirror, MirrorBranch, MirrorHead } from "./mirror.js";

/** Told how far the mirror is now; `fork` when everything behind it was taken out of the history. */
export type MirrorWatcher = (head: MirrorHead, fork?: JournalPoint) => void;

/** A mirror that tells when it has grown: what follows the journal need not ask. */
export class WatchedMirror implements Mirror {
  readonly #mirror: Mirror;
  readonly #watchers = new Set<MirrorWatcher>();

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
  }

  get clusterId(): string {
    return this.#mirror.clusterId;
  }

  /** Answers the way to end it. A watcher must not throw. */
  watch(watcher: MirrorWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  head(): MirrorHead {
    return this.#mirror.head();
  }

  async append(groups: readonly JournalGroup[]): Promise<MirrorHead> {
    return this.#tell(await this.#mirror.append(groups));
  }

  setEpoch(epoch: number): Promise<MirrorHead> {
    return this.#mirror.setEpoch(epoch);
  }

  async splitOff(fork: JournalPoint): Promise<MirrorHead> {
    return this.#tell(await this.#mirror.splitOff(fork), fork);
  }

  dropBranch(fork: JournalPoint): Promise<void> {
    return this.#mirror.dropBranch(fork);
  }

  findGroupHash(number: number): Promise<string | undefined> {
    return this.#mirror.findGroupHash(number);
  }

  listGroups(after: number, limit: number): Promise<JournalGroup[]> {
    return this.#mirror.listGroups(after, limit);
  }

  listHorizons(): Promise<NamespaceHorizon[]> {
    return this.#mirror.listHorizons();
  }

  findFile(namespace: NamespaceName, key: FileKey): Promise<FileRecord | undefined> {
    return this.#mirror.findFile(namespace, key);
  }

  listFiles(namespace: NamespaceName, query: ListQuery): Promise<ListPage> {
    return this.#mirror.listFiles(namespace, query);
  }

  findNamespace(name: NamespaceName): Promise<NamespaceInfo | undefined> {
    return this.#mirror.findNamespace(name);
  }

  listNamespaces(): Promise<NamespaceInfo[]> {
    return this.#mirror.listNamespaces();
  }

  listNodes(): Promise<NodeRecord[]> {
    return this.#mirror.listNodes();
  }

  listBranches(): Promise<MirrorBranch[]> {
    return this.#mirror.listBranches();
  }

  close(): Promise<void> {
    return this.#mirror.close();
  }

  #tell(head: MirrorHead, fork?: JournalPoint): MirrorHead {
    for (const watcher of this.#watchers) watcher(head, fork);
    return head;
  }
}
