import type { FileInfo, NamespaceInfo, NodeInfo } from "@koboldfs/protocol";
import type { ClusterFace } from "./cluster-face.js";
import { chooseServingNode, formatDirectUrl } from "./direct-url.js";
import { RecentValue } from "./recent-value.js";

/** Finds direct URLs of one namespace; keeps what it knows of template and nodes for a moment. */
export class UrlFinder {
  readonly #namespace: string;
  readonly #cluster: ClusterFace;
  readonly #recentNamespace = new RecentValue<NamespaceInfo>();
  readonly #recentNodes = new RecentValue<NodeInfo[]>();

  constructor(namespace: string, cluster: ClusterFace) {
    this.#namespace = namespace;
    this.#cluster = cluster;
  }

  /** Undefined without a template, without the file, and without a node that serves. `findFile` is asked only if needed. */
  async find(findFile: () => Promise<FileInfo | undefined>): Promise<string | undefined> {
    // Others may share these two requests, so they do not end with one caller's signal.
    const namespace = await this.#recentNamespace.get(() => this.#cluster.getNamespace(this.#namespace, {}));
    if (namespace.urlTemplate === undefined) return undefined;
    const recentNodes = this.#recentNodes.get(() => this.#cluster.listNodes({}));
    const [file, nodes] = await Promise.all([findFile(), recentNodes]);
    const node = chooseServingNode(nodes, Math.random);
    return file === undefined || node === undefined ? undefined : formatDirectUrl(namespace, node, file);
  }
}
