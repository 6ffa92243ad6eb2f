import type { NamespaceName, NamespacePolicy, NodeId } from "@koboldfs/protocol";
import type { Catalog } from "../catalog/catalog.js";
import type { MirrorBranch } from "../mirror/mirror.js";
import type { NodeSettings, PurgeChange, RejoinChange, RejoinTransactionChange } from "../model/change.js";
import { planJoin } from "../model/join-plan.js";
import { type JournalGroup, parseJournalGroup } from "../model/journal-group.js";
import type { WebhookSettings } from "../model/webhook.js";
import type { Logger } from "../runtime/logger.js";

export interface BranchJoinerOptions {
  readonly catalog: Pick<Catalog, "commit" | "commitAll" | "findNamespace" | "listNodes">;
  /** The catalog's side of the history, from wherever it is read cheaply. */
  readonly history: Pick<Catalog, "listGroups">;
  readonly nudge: (nodes: readonly NodeId[]) => void;
  readonly log: Logger;
}

export interface JoinedBranch {
  /** Keys that the branch mentions. */
  readonly keys: number;
  /** Those of them that nobody had joined before. */
  readonly joined: number;
}

/** Groups read at once. */
const BATCH_GROUPS = 100;
/** Keys joined in one commit. */
const BATCH_KEYS = 200;

/** Names again, behind the catalog's history, what only a branch had. Repeated after a crash it does nothing twice. */
export class BranchJoiner {
  readonly #options: BranchJoinerOptions;

  constructor(options: BranchJoinerOptions) {
    this.#options = options;
  }

  async join(branch: MirrorBranch): Promise<JoinedBranch> {
    const sinceFork = await this.#listAllGroups(branch.fork.number);
    const plan = planJoin(branch.fork, branch.groups.map(contentOf), sinceFork.map(contentOf));
    for (const [name, policy] of plan.namespaces) await this.#makeNamespace(name, policy);
    for (const node of plan.nodes) await this.#enterNode(node);
    for (const webhook of plan.webhooks) await this.#enterWebhook(webhook);
    let joined = 0;
    for (let start = 0; start < plan.files.length; start += BATCH_KEYS) {
      joined += await this.#rejoin(plan.files.slice(start, start + BATCH_KEYS));
    }
    for (const purge of plan.purges) await this.#purge(purge);
    for (const change of plan.transactions) await this.#rejoinTransaction(change);
    return { keys: plan.files.length, joined };
  }

  async #listAllGroups(after: number): Promise<JournalGroup[]> {
    const all: JournalGroup[] = [];
    for (;;) {
      const page = await this.#options.history.listGroups(all.at(-1)?.last ?? after, BATCH_GROUPS);
      if (page.length === 0) return all;
      all.push(...page);
    }
  }

  /** Answers how many of these keys nobody had joined before. */
  async #rejoin(changes: readonly RejoinChange[]): Promise<number> {
    const outcomes = await this.#options.catalog.commitAll(changes);
    const refused = outcomes.find((outcome) => !outcome.ok);
    if (refused?.ok === false) throw refused.error;
    const done = outcomes.filter((outcome) => outcome.ok);
    this.#options.nudge([...new Set(done.flatMap(({ owing }) => owing))]);
    return done.filter(({ replayed }) => !replayed).length;
  }

  async #rejoinTransaction(change: RejoinTransactionChange): Promise<void> {
    const outcome = await this.#options.catalog.commit(change);
    if (!outcome.ok) throw outcome.error;
    this.#options.nudge(outcome.owing);
  }

  /** What is not there needs no purge. */
  async #purge(change: PurgeChange): Promise<void> {
    const outcome = await this.#options.catalog.commit(change);
    const isGone =
      !outcome.ok && ["not_found", "version_not_found", "namespace_not_found"].includes(outcome.error.code);
    if (!outcome.ok && !isGone) throw outcome.error;
  }

  async #makeNamespace(namespace: NamespaceName, policy: NamespacePolicy | undefined): Promise<void> {
    const { catalog } = this.#options;
    if ((await catalog.findNamespace(namespace)) !== undefined) return;
    const change = { kind: "set-namespace", namespace, policy: policy ?? { minCopies: 1 } } as const;
    const outcome = await catalog.commit(change);
    if (!outcome.ok) throw outcome.error;
  }

  async #enterWebhook(webhook: WebhookSettings): Promise<void> {
    const outcome = await this.#options.catalog.commit({ kind: "set-webhook", webhook });
    if (!outcome.ok) throw outcome.error;
  }

  async #enterNode(node: NodeSettings): Promise<void> {
    const { catalog, log } = this.#options;
    if ((await catalog.listNodes()).some(({ id }) => id === node.id)) return;
    const outcome = await catalog.commit({ kind: "set-node", node });
    // Another node took its name on the catalog's side: an operator has to choose.
    if (!outcome.ok) log.error({ err: outcome.error, node: node.name }, "a node of a branch cannot be entered again");
  }
}

function contentOf({ bytes }: JournalGroup) {
  return parseJournalGroup(bytes);
}
