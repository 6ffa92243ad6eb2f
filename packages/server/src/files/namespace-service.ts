import { KoboldError, type NamespaceInfo, type NamespaceName, type NamespacePolicy } from "@koboldfs/protocol";
import type { CommitCatalog, NamespaceCatalog } from "../catalog/catalog.js";

/** The namespaces of the cluster and their policies. Every method throws `catalog_unavailable`. */
export class NamespaceService {
  readonly #catalog: CommitCatalog & NamespaceCatalog;

  constructor(catalog: CommitCatalog & NamespaceCatalog) {
    this.#catalog = catalog;
  }

  /** Creates the namespace, or replaces its policy. */
  async put(namespace: NamespaceName, policy: NamespacePolicy): Promise<NamespaceInfo> {
    const outcome = await this.#catalog.commit({ kind: "set-namespace", namespace, policy });
    if (!outcome.ok) throw outcome.error;
    return this.get(namespace);
  }

  /** Throws `namespace_not_found`. */
  async get(namespace: NamespaceName): Promise<NamespaceInfo> {
    const info = await this.#catalog.findNamespace(namespace);
    if (info === undefined) throw new KoboldError("namespace_not_found", `no namespace ${namespace}`);
    return info;
  }

  list(): Promise<NamespaceInfo[]> {
    return this.#catalog.listNamespaces();
  }

  /** Throws `namespace_not_found`, `namespace_not_empty` or `key_locked`; not when it is repeated under its idempotency key. */
  async delete(namespace: NamespaceName, idempotencyKey?: string): Promise<void> {
    const outcome = await this.#catalog.commit({
      kind: "drop-namespace",
      namespace,
      ...(idempotencyKey !== undefined && {
        idempotency: { key: idempotencyKey, fingerprint: `drop-namespace ${namespace}` },
      }),
    });
    if (!outcome.ok) throw outcome.error;
  }
}
