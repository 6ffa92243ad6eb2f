import { KoboldError, type NamespaceInfo, type NamespaceName } from "@koboldfs/protocol";
import type { NamespaceCatalog } from "../catalog/catalog.js";
import type { Clock } from "../runtime/clock.js";

/** A policy that was changed less than a second ago may be unknown to a put: to the user both came at once. */
const MAX_AGE_MS = 1000;

/** At 200 bytes each; past it all are forgotten and asked for again. */
const MAX_VIEWS = 1024;

interface View {
  readonly info: NamespaceInfo;
  readonly at: number;
}

/**
 * Namespaces as they were at most a second ago, for what is decided before a body is sent and again by the commit,
 * under the lock: a put then costs no question of its own. That a namespace is not there is never remembered.
 */
export class NamespaceViews {
  readonly #catalog: NamespaceCatalog;
  readonly #clock: Clock;
  readonly #views = new Map<NamespaceName, View>();

  constructor(options: { readonly catalog: NamespaceCatalog; readonly clock: Clock }) {
    this.#catalog = options.catalog;
    this.#clock = options.clock;
  }

  /** Throws `namespace_not_found` and `catalog_unavailable`. */
  async get(namespace: NamespaceName): Promise<NamespaceInfo> {
    const view = this.#views.get(namespace);
    const now = this.#clock.monotonic();
    if (view !== undefined && now - view.at < MAX_AGE_MS) return view.info;
    const info = await this.#catalog.findNamespace(namespace);
    if (this.#views.size >= MAX_VIEWS) this.#views.clear();
    if (info === undefined) {
      this.#views.delete(namespace);
      throw new KoboldError("namespace_not_found", `no namespace ${namespace}`);
    }
    this.#views.set(namespace, { info, at: now });
    return info;
  }
}
