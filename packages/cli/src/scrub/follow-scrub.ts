import { setTimeout as sleep } from "node:timers/promises";
import type { ScrubReply } from "@koboldfs/client";
import type { Run } from "../connection.js";
import { LiveLine } from "../output/live-line.js";
import { formatPasses, type NodePass } from "./format-scrub.js";

/** Often enough for a person, and nothing for the nodes. */
const POLL_MS = 300;

/** Follows the passes that were ordered until all are over. Ctrl-C ends only the watching. */
export async function followScrub(run: Run, begun: ScrubReply): Promise<NodePass[]> {
  const client = run.connectCluster();
  const { signal } = run.context;
  const ordered = new Set(begun.nodes.filter(({ scrub }) => scrub !== undefined).map(({ node }) => node));
  let reply = begun;
  const line = new LiveLine(run.context, () => formatPasses(passesOf(reply)));
  try {
    while (passesOf(reply).some(({ node, pass }) => ordered.has(node) && pass?.state === "running")) {
      await sleep(POLL_MS, undefined, { signal });
      const all = await client.scrubs({ signal });
      reply = { nodes: all.nodes.filter(({ node }) => begun.nodes.some((one) => one.node === node)) };
    }
    return passesOf(reply);
  } finally {
    line.stop();
  }
}

function passesOf({ nodes }: ScrubReply): NodePass[] {
  return nodes.map(({ node, scrub }) => ({ node, ...(scrub?.pass !== undefined && { pass: scrub.pass }) }));
}
