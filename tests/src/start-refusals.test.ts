import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ErrorCode } from "@koboldfs/protocol";
import { ERROR_TABLE } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { Cluster } from "./harness/cluster.js";
import { NodeProcess, type NodeProcessOptions } from "./harness/node-process.js";
import { mustGet, mustPut } from "./harness/raw-files.js";
import { withCluster } from "./harness/use-cluster.js";

const ONE_NODE = { nodes: 1, engine: "sqlite" } as const;

describe("a node refuses to start, with a hint,", () => {
  it("when another node of the cluster has its name", async () => {
    await withCluster(ONE_NODE, async (cluster) => {
      await expectRefusal(strangerOf(cluster, { name: "a" }), ["node_name_taken"]);
      await cluster.node("a").stop();
      await expectRefusal(strangerOf(cluster, { name: "a" }), ["node_name_taken", "volume_refused"]);
    });
  });

  it("when another one with its name starts at the same moment: one of the two wins", async () => {
    await withCluster(ONE_NODE, async (cluster) => {
      const twins = ["twin1", "twin2"].map((folder) =>
        strangerOf(cluster, { name: "twin", data: [join(cluster.folder, folder)] }),
      );
      const outcomes = await Promise.allSettled(twins.map((twin) => twin.start()));
      expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
      const loser = twins.find((twin) => !twin.isRunning);
      expect(loser?.log()).toContain("node_name_taken");
      expect((await cluster.nodeInfos()).filter((info) => info.name === "twin")).toHaveLength(1);
    });
  });

  it("when its volume belongs to another cluster", async () => {
    await withCluster(ONE_NODE, async (cluster) => {
      const [data] = cluster.node("a").data as [string];
      await cluster.node("a").stop();
      const dsn = `sqlite:${join(cluster.folder, "other.sqlite")}`;
      await expectRefusal(strangerOf(cluster, { name: "a", data: [data], dsn }), ["volume_refused"]);
    });
  });

  it("when the data folder that it had is empty, as an unmounted disk is, and writes nothing into it", async () => {
    await withCluster(ONE_NODE, async (cluster) => {
      const a = cluster.node("a");
      const [data] = a.data as [string];
      await mustPut(a.url, "k", "bytes");
      await a.stop();
      for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true });
      await expectRefusal(a, ["volume_refused", "node_name_taken"]);
      expect(readdirSync(data)).toEqual([]);
    });
  });

  it("when one of its two volumes is missing, and starts again when it is back", async () => {
    await withCluster(ONE_NODE, async (cluster) => {
      const data = [join(cluster.folder, "disk1"), join(cluster.folder, "disk2")];
      const node = strangerOf(cluster, { name: "b", data });
      await node.start();
      await mustPut(node.url, "k", "bytes");
      await node.stop();
      await expectRefusal(strangerOf(cluster, { name: "b", data: data.slice(0, 1) }), ["volume_refused"]);
      const empty = join(cluster.folder, "empty");
      await expectRefusal(strangerOf(cluster, { name: "b", data: [data[0] as string, empty] }), ["volume_refused"]);
      await node.restart();
      expect((await mustGet(node.url, "k")).toString()).toBe("bytes");
    });
  });

  it("when another process runs on its data folder", async () => {
    await withCluster(ONE_NODE, async (cluster) => {
      const { data } = cluster.node("a");
      await expectRefusal(strangerOf(cluster, { name: "a", data }), ["volume_in_use"]);
      await mustPut(cluster.node("a").url, "k", "the first one still works");
    });
  });

  it("when it shall listen beyond loopback and has no cluster secret", async () => {
    await withCluster({ ...ONE_NODE, secret: null }, async (cluster) => {
      await expectRefusal(strangerOf(cluster, { name: "b", listen: "0.0.0.0:0" }), ["secret_required"]);
    });
  });

  it("when a setting is not known", async () => {
    await withCluster(ONE_NODE, async (cluster) => {
      const settings = { ...cluster.settings(), ACK_COPIE: "2" };
      const node = strangerOf(cluster, { name: "b", settings });
      await expectRefusal(node, ["config_invalid"]);
      expect(node.log()).toContain("ACK_COPIES");
    });
  });
});

/** Another process on the cluster's catalog; the cluster removes its folder. */
function strangerOf(cluster: Cluster, options: Partial<NodeProcessOptions> & { name: string }): NodeProcess {
  const node = new NodeProcess({
    data: [join(cluster.folder, `stranger-${options.name}`)],
    dsn: cluster.dsn,
    settings: cluster.settings(),
    cwd: cluster.folder,
    ...options,
  });
  cluster.nodes.push(node);
  return node;
}

async function expectRefusal(node: NodeProcess, codes: readonly ErrorCode[]): Promise<void> {
  const { code } = await node.startAndFail();
  expect(code).toBeGreaterThan(0);
  const said = codes.filter((name) => node.log().includes(name));
  expect(said, node.log()).not.toEqual([]);
  expect(
    said.some((name) => node.log().includes(ERROR_TABLE[name].hint)),
    node.log(),
  ).toBe(true);
}
