import type { NodeInfo, StatusReply } from "@koboldfs/protocol";
import { expect, it } from "vitest";
import { STILL_UPKEEP } from "../cluster/test-upkeep.js";
import { describeStatus } from "./status-metrics.js";

const NOW_MS = Date.UTC(2025, 0, 1, 12);
const ago = (seconds: number) => new Date(NOW_MS - seconds * 1000).toISOString();

const NODE: NodeInfo = {
  ...{ id: "1", name: "alpha", url: "http://alpha.invalid", zone: "attic", state: "alive", order: "alive" },
  ...{ heartbeatAgeMs: 1500, freeBytes: 10, totalBytes: 20, debtFiles: 0, debtBytes: "0", backfill: 0.5 },
};
const STATUS: StatusReply = {
  ...{ cluster: "c", node: "alpha", catalog: "sqlite", head: 7, epoch: 1 },
  ...{ history: [], nodes: [NODE], namespaces: [], webhooks: [] },
};

it("puts each transaction into one state, so that their sum is their number", () => {
  const transactions = {
    open: 2,
    prepared: 5,
    inDoubt: 3,
    stagedBytes: 9,
    oldestOpen: ago(5),
    oldestPrepared: ago(400),
  };
  const told = describeStatus({ ...STATUS, transactions }, NOW_MS);
  expect(told.koboldfs_transactions).toEqual([
    { labels: { state: "open" }, value: 2 },
    { labels: { state: "prepared" }, value: 2 },
    { labels: { state: "in_doubt" }, value: 3 },
  ]);
  expect(told.koboldfs_transactions_oldest_age_seconds).toEqual([
    { labels: { state: "open" }, value: 5 },
    { labels: { state: "prepared" }, value: 400 },
  ]);
});

it("tells the quotas that namespaces have, and nothing of those that have none", () => {
  const photos = { name: "photos", files: 2, bytes: "9", created: ago(1), minCopies: 1 };
  const namespaces = [photos, { ...photos, name: "full", maxFiles: 2, maxBytes: 0 }];
  const told = describeStatus({ ...STATUS, namespaces }, NOW_MS);
  expect(told.koboldfs_namespace_files).toHaveLength(2);
  expect(told.koboldfs_namespace_max_files).toEqual([{ labels: { namespace: "full" }, value: 2 }]);
  expect(told.koboldfs_namespace_max_bytes).toEqual([{ labels: { namespace: "full" }, value: 0 }]);
});

it("tells a debt without a known beginning without an age, and no debt as 0", () => {
  const nodes = [
    NODE,
    { ...NODE, name: "beta", debtFiles: 3, debtBytes: "9007199254740993" },
    { ...NODE, name: "gamma", debtFiles: 1, debtSince: ago(60) },
  ];
  const told = describeStatus({ ...STATUS, nodes }, NOW_MS);
  expect(told.koboldfs_debt_oldest_age_seconds).toEqual([
    { labels: { node: "alpha" }, value: 0 },
    { labels: { node: "gamma" }, value: 60 },
  ]);
  expect(told.koboldfs_debt_bytes?.[1]).toEqual({ labels: { node: "beta" }, value: 9007199254740992 });
  expect(told.koboldfs_node_heartbeat_age_seconds?.[0]?.value).toBe(1.5);
});

it("tells of volumes and scrub what the node itself has, and of other nodes nothing", () => {
  const scrub = { ...STILL_UPKEEP.scrub, provenSince: ago(3600) };
  const volume = { id: "v", path: "/srv", state: "good" as const, freeBytes: 1, totalBytes: 2 };
  const theirs = { ...NODE, name: "beta", upkeep: { ...STILL_UPKEEP, volumes: [{ ...volume, id: "other" }] } };
  const alone = describeStatus({ ...STATUS, nodes: [NODE, theirs] }, NOW_MS);
  expect(alone).not.toHaveProperty("koboldfs_volume_state");
  expect(alone).not.toHaveProperty("koboldfs_scrub_proven_ratio");
  const own = { ...NODE, upkeep: { ...STILL_UPKEEP, volumes: [volume], scrub } };
  const told = describeStatus({ ...STATUS, nodes: [own, theirs] }, NOW_MS);
  expect(told.koboldfs_volume_state).toEqual([{ labels: { volume: "v", path: "/srv", state: "good" }, value: 1 }]);
  expect(told.koboldfs_scrub_oldest_proof_age_seconds).toEqual([{ value: 3600 }]);
});

it("tells of a dead node that it is dead, and everything else of the living one that has its name", () => {
  const dead: NodeInfo = { ...NODE, id: "0", state: "dead", order: "dead", debtFiles: 9, debtSince: ago(9e6) };
  const alive: NodeInfo = { ...NODE, debtFiles: 1, upkeep: STILL_UPKEEP, mirror: { number: 5, time: "", lag: 2 } };
  const told = describeStatus({ ...STATUS, nodes: [dead, alive, { ...dead, id: "2" }] }, NOW_MS);
  expect(told.koboldfs_node_state?.map(({ labels }) => [labels?.["id"], labels?.["state"]])).toEqual([
    ["0", "dead"],
    ["1", "alive"],
    ["2", "dead"],
  ]);
  expect(told.koboldfs_debt_files).toEqual([{ labels: { node: "alpha" }, value: 1 }]);
  expect(told.koboldfs_debt_oldest_age_seconds).toEqual([]);
  expect(told.koboldfs_mirror_lag_entries).toEqual([{ labels: { node: "alpha" }, value: 2 }]);
  expect(told.koboldfs_scrub_proven_ratio).toEqual([{ value: 1 }]);
});

it("does not let a clock that is behind make ages below 0", () => {
  const nodes = [{ ...NODE, debtFiles: 1, debtSince: ago(-10) }];
  expect(describeStatus({ ...STATUS, nodes }, NOW_MS).koboldfs_debt_oldest_age_seconds?.[0]?.value).toBe(0);
});
