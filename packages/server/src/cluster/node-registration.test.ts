import type { NodeId, NodeName } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { CommitCatalog, NodeCatalog, NodeRecord } from "../catalog/catalog.js";
import type { Change, ChangeOutcome, NodeSettings } from "../model/change.js";
import { registerNode } from "./node-registration.js";

/** Nodes in memory; commits replace what is known. */
class MemoryNodes implements Pick<NodeCatalog, "listNodes">, CommitCatalog {
  readonly nodes = new Map<NodeId, NodeRecord>();
  commits = 0;

  async listNodes(): Promise<NodeRecord[]> {
    return [...this.nodes.values()];
  }

  async commit(change: Change): Promise<ChangeOutcome> {
    if (change.kind !== "set-node") throw new Error("only nodes here");
    this.commits += 1;
    this.set({ ...change.node, state: change.node.state ?? this.nodes.get(change.node.id)?.state ?? "alive" });
    const done = { copies: 0, holders: 0, owing: [], replayed: false };
    return { ok: true, version: this.commits, modified: new Date(0), ...done };
  }

  expectAfter(): void {}

  async commitAll(changes: readonly Change[]): Promise<ChangeOutcome[]> {
    return Promise.all(changes.map((change) => this.commit(change)));
  }

  set(node: NodeSettings): void {
    const seen = { heartbeatAgeMs: 0, freeBytes: 0, totalBytes: 0, joinedAt: 1, backfillPosition: 1 };
    this.nodes.set(node.id, { ...node, ...seen });
  }
}

const NODE = {
  id: "aaaaaaaaaaaaaaaa" as NodeId,
  name: "kobold1" as NodeName,
  url: "http://127.0.0.1:1",
  zone: "default",
  volumes: ["v1"],
};

describe("registerNode", () => {
  let catalog: MemoryNodes & NodeCatalog;

  beforeEach(() => {
    const unused = async () => [];
    catalog = Object.assign(new MemoryNodes(), { heartbeat: unused, setBackfillPosition: async () => {} });
  });

  it("enters a new node as alive", async () => {
    await registerNode(catalog, NODE);
    expect(catalog.nodes.get(NODE.id)).toMatchObject({ ...NODE, state: "alive" });
  });

  it("commits nothing when nothing changed", async () => {
    await registerNode(catalog, { ...NODE, volumes: ["v2", "v1"] });
    await registerNode(catalog, { ...NODE, volumes: ["v1", "v2"] });
    expect(catalog.commits).toBe(1);
  });

  it("takes over another address, name and zone, and keeps the state that the operator set", async () => {
    catalog.set({ ...NODE, state: "readonly" });
    await registerNode(catalog, { ...NODE, url: "http://127.0.0.1:2", zone: "attic" });
    expect(catalog.nodes.get(NODE.id)).toMatchObject({ url: "http://127.0.0.1:2", zone: "attic", state: "readonly" });
  });

  it("adds volumes and takes none away", async () => {
    await registerNode(catalog, NODE);
    await registerNode(catalog, { ...NODE, volumes: ["v2"] });
    expect(catalog.nodes.get(NODE.id)?.volumes).toEqual(["v1", "v2"]);
  });

  it("refuses a name that another node has", async () => {
    catalog.set({ ...NODE, id: "bbbbbbbbbbbbbbbb" as NodeId, state: "alive" });
    await expect(registerNode(catalog, NODE)).rejects.toMatchObject({ code: "node_name_taken" });
    expect(catalog.commits).toBe(0);
  });

  it("refuses a node that was declared dead", async () => {
    catalog.set({ ...NODE, state: "dead" });
    await expect(registerNode(catalog, NODE)).rejects.toMatchObject({ code: "node_dead" });
  });
});
