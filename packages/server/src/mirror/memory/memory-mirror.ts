import { type FileKey, KoboldError, type NamespaceInfo, type NamespaceName } from "@koboldfs/protocol";
import type { ListPage, ListQuery, NamespaceHorizon, NodeRecord } from "../../catalog/catalog.js";
import type { FileRecord } from "../../model/change.js";
import { formatFileRef, type NamespaceRow, type NodeRow } from "../../model/commit-view.js";
import { type JournalGroup, parseJournalGroup } from "../../model/journal-group.js";
import type { JournalPoint } from "../../model/journal-history.js";
import { compareKeys } from "../../model/key-order.js";
import { ListPlan } from "../../model/list-plan.js";
import { toNamespaceHorizon } from "../../model/plan-horizon.js";
import { replayGroups } from "../../model/replay.js";
import { continueHistory, findGenesis, forked } from "../continue-history.js";
import type { Mirror, MirrorBranch, MirrorHead } from "../mirror.js";

/** A mirror that lasts as long as its process. */
export class MemoryMirror implements Mirror {
  readonly clusterId: string;
  #groups: JournalGroup[] = [];
  readonly #branches: MirrorBranch[] = [];
  readonly #files = new Map<string, FileRecord>();
  readonly #namespaces = new Map<string, NamespaceRow>();
  readonly #nodes = new Map<string, NodeRow>();
  #head: MirrorHead;

  constructor(clusterId: string) {
    this.clusterId = clusterId;
    this.#head = { ...findGenesis(clusterId), timeMs: 0, epoch: 0 };
  }

  head(): MirrorHead {
    return this.#head;
  }

  async append(groups: readonly JournalGroup[]): Promise<MirrorHead> {
    const known = new Set(this.#groups.map(({ hash }) => hash));
    const fresh = continueHistory(this.#head, groups, ({ hash }) => known.has(hash));
    this.#replay(fresh);
    this.#groups.push(...fresh);
    return this.#head;
  }

  async setEpoch(epoch: number): Promise<MirrorHead> {
    this.#head = { ...this.#head, epoch: Math.max(epoch, this.#head.epoch) };
    return this.#head;
  }

  async splitOff(fork: JournalPoint): Promise<MirrorHead> {
    const kept = this.#groups.filter(({ last }) => last <= fork.number);
    const genesis = findGenesis(this.clusterId);
    const end = kept.at(-1);
    const point = end === undefined ? genesis : { number: end.last, hash: end.hash };
    if (point.number !== fork.number || point.hash !== fork.hash) {
      throw forked(fork.number, "it is no point of this history");
    }
    const groups = this.#groups.slice(kept.length);
    if (groups.length > 0) this.#branches.push({ fork: point, groups });
    for (const map of [this.#files, this.#namespaces, this.#nodes]) map.clear();
    this.#head = { ...this.#head, ...genesis, timeMs: 0 };
    this.#groups = kept;
    this.#replay(kept);
    return this.#head;
  }

  async dropBranch(fork: JournalPoint): Promise<void> {
    const index = this.#branches.findIndex((branch) => branch.fork.hash === fork.hash);
    if (index >= 0) this.#branches.splice(index, 1);
  }

  async findGroupHash(number: number): Promise<string | undefined> {
    return this.#groups.find(({ last }) => last === number)?.hash;
  }

  async listBranches(): Promise<MirrorBranch[]> {
    return this.#branches.toSorted((a, b) => a.fork.number - b.fork.number);
  }

  async listGroups(after: number, limit: number): Promise<JournalGroup[]> {
    return this.#groups.filter(({ last }) => last > after).slice(0, limit);
  }

  async listHorizons(): Promise<NamespaceHorizon[]> {
    return [...this.#namespaces.values()]
      .map(toNamespaceHorizon)
      .toSorted((a, b) => compareKeys(a.namespace, b.namespace));
  }

  async findFile(namespace: NamespaceName, key: FileKey): Promise<FileRecord | undefined> {
    return this.#files.get(formatFileRef({ namespace, key }));
  }

  async listFiles(namespace: NamespaceName, query: ListQuery): Promise<ListPage> {
    if (!this.#namespaces.has(namespace)) {
      throw new KoboldError("namespace_not_found", `there is no namespace ${namespace}`);
    }
    const own = [...this.#files.values()].filter((file) => file.namespace === namespace);
    const all = own.toSorted((a, b) => compareKeys(a.key, b.key));
    const plan = new ListPlan<FileRecord>(query);
    for (let range = plan.nextRange(); range !== undefined; range = plan.nextRange()) {
      const { from, isFromIncluded, to, limit } = range;
      const isInside = (key: string) =>
        compareKeys(key, from) >= (isFromIncluded ? 0 : 1) && (to === undefined || compareKeys(key, to) < 0);
      plan.take(all.filter(({ key }) => isInside(key)).slice(0, limit));
    }
    return plan.page();
  }

  async findNamespace(name: NamespaceName): Promise<NamespaceInfo | undefined> {
    return (await this.listNamespaces()).find((namespace) => namespace.name === name);
  }

  async listNamespaces(): Promise<NamespaceInfo[]> {
    return [...this.#namespaces.values()]
      .toSorted((a, b) => compareKeys(a.name, b.name))
      .map(({ name, policy, files, bytes, createdMs }) => {
        return { name, ...policy, files, bytes: String(bytes), created: new Date(createdMs).toISOString() };
      });
  }

  async listNodes(): Promise<NodeRecord[]> {
    const unknown = { heartbeatAgeMs: 0, freeBytes: 0, totalBytes: 0 };
    return [...this.#nodes.values()]
      .toSorted((a, b) => compareKeys(a.name, b.name))
      .map((row) => ({ ...row, ...unknown }));
  }

  async close(): Promise<void> {}

  #replay(groups: readonly JournalGroup[]): void {
    const contents = groups.map(({ bytes }) => parseJournalGroup(bytes));
    const [last, content] = [groups.at(-1), contents.at(-1)];
    if (last === undefined || content === undefined) return;
    const files = [...this.#files.values()];
    const namespaces = [...this.#namespaces.values()];
    const plan = replayGroups({ head: this.#head, files, namespaces, nodes: [...this.#nodes.values()] }, contents);
    for (const ref of plan.filesToRemove) this.#files.delete(formatFileRef(ref));
    for (const file of plan.filesToPut) this.#files.set(formatFileRef(file), file);
    for (const name of plan.namespacesToRemove) this.#namespaces.delete(name);
    for (const namespace of plan.namespacesToPut) this.#namespaces.set(namespace.name, namespace);
    for (const node of plan.nodesToPut) this.#nodes.set(node.id, node);
    this.#head = { ...this.#head, number: last.last, hash: last.hash, timeMs: content.timeMs };
  }
}
