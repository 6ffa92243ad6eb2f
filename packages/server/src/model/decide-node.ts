import { isDeepStrictEqual } from "node:util";
import type { ChangeOutcome, NodeSettings, RefillNodeChange, SetNodeChange, SetNodeStateChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import type { NodeRow } from "./commit-view.js";
import { settingDone } from "./decide-settings.js";
import { NODE_STATES } from "./node-state.js";
import { isBackfilling, listHolders } from "./owing-nodes.js";
import { refuse } from "./refusal.js";
import { isStorable } from "./storable-text.js";

export function decideSetNode(draft: CommitDraft, change: SetNodeChange): ChangeOutcome {
  const { id, name, url, zone, volumes } = change.node;
  if (![id, url, zone, ...volumes].every(isStorable))
    return refuse("invalid_request", "the node's settings cannot be stored");
  // A dead node's name is free: the machine that takes its place may be called like it.
  const others = [...draft.nodes.values()].filter((node) => node.id !== id && NODE_STATES[node.state].mayReturn);
  if (others.some((node) => node.name === name)) return refuse("node_name_taken", `another node is called ${name}`);
  const before = draft.nodes.get(id);
  if (before !== undefined && !NODE_STATES[before.state].mayReturn) return refuseDead(before);
  const node: NodeSettings = { ...change.node, state: change.node.state ?? before?.state ?? "alive" };
  if (before !== undefined && isDeepStrictEqual(settingsOf(before), node)) return unchanged(draft);
  return settingDone(draft, setNode(draft, node));
}

export function decideSetNodeState(draft: CommitDraft, change: SetNodeStateChange): ChangeOutcome {
  const { node: id, state } = change;
  const before = draft.nodes.get(id);
  if (before === undefined) return refuse("node_not_found", `there is no node ${id}`);
  if (before.state === state) return unchanged(draft);
  if (!NODE_STATES[before.state].mayReturn) return refuseDead(before);
  const others = listHolders(draft.nodes.values()).filter((node) => node.id !== id);
  if (!NODE_STATES[state].owes && others.length === 0) {
    return refuse("last_holder", `no other node should hold the files of ${before.name}`);
  }
  return settingDone(draft, setNode(draft, { ...settingsOf(before), state }));
}

export function decideRefillNode(draft: CommitDraft, change: RefillNodeChange): ChangeOutcome {
  const before = draft.nodes.get(change.node);
  if (before === undefined) return refuse("node_not_found", `there is no node ${change.node}`);
  if (!NODE_STATES[before.state].mayReturn) return refuseDead(before);
  const settings = settingsOf(before);
  return settingDone(draft, setNode(draft, change.forgetVolumes ? { ...settings, volumes: [] } : settings));
}

/** Journals the node's settings and makes them known; answers the entry's number. */
export function setNode(draft: CommitDraft, node: NodeSettings): number {
  const before = draft.nodes.get(node.id);
  const version = draft.append({ kind: "node", node });
  draft.nodes.set(node.id, { ...node, ...placeInJournal(draft, { before, node, version }) });
  return version;
}

type Place = Pick<NodeRow, "joinedAt" | "backfillPosition">;

/** Where the node's backfill stands after its entry with the number `version`. */
function placeInJournal(
  draft: CommitDraft,
  { before, node, version }: { before: NodeRow | undefined; node: NodeSettings; version: number },
): Place {
  if (before === undefined || saysDisksAreLost(before, node)) return startOver(draft, version);
  const { joinedAt, backfillPosition } = before;
  const [owed, owes] = [NODE_STATES[before.state].owes, NODE_STATES[node.state].owes];
  // Until now it held or owed everything. From here on no debts are made for it: the position remembers that.
  if (owed && !owes && !isBackfilling(before)) return { joinedAt, backfillPosition: version };
  // It owes again: what was put since its position is walked, else it would be overlooked.
  if (!owed && owes) return { joinedAt: version, backfillPosition };
  return { joinedAt, backfillPosition };
}

/** Volumes are only ever added; an entry that takes some away, or says nothing new at all, is a refill. */
function saysDisksAreLost(before: NodeRow, node: NodeSettings): boolean {
  const isLost = before.volumes.some((volume) => !node.volumes.includes(volume));
  return isLost || isDeepStrictEqual(settingsOf(before), node);
}

/** Everything that was ever put before `version` is to be looked at. */
function startOver(draft: CommitDraft, version: number): Place {
  return { joinedAt: version, backfillPosition: draft.hasBlobs ? 0 : version };
}

function settingsOf({ id, name, url, zone, state, volumes }: NodeRow): NodeSettings {
  return { id, name, url, zone, state, volumes };
}

/** It is so already: no entry, and the journal is as long as it was. */
function unchanged(draft: CommitDraft): ChangeOutcome {
  return settingDone(draft, draft.nextNumber - 1);
}

function refuseDead(node: NodeRow): ChangeOutcome {
  return refuse("node_dead", `node ${node.name} (${node.id}) was declared dead`);
}
