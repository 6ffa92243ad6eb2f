import { join } from "node:path";
import { expect, it } from "vitest";
import { WORKSPACE_ROOT } from "../workspace.js";
import { findViolations } from "./find-violations.js";

const SERVER = "packages/server/src";

it("finds the imports planted in tools/samples/layers, types too, and nothing else", async () => {
  const { violations } = await findViolations(join(WORKSPACE_ROOT, "tools/samples/layers"), ["packages"]);
  const node = "(the client knows Node only in node/: the rest runs in browsers too)";
  expect(violations.toSorted()).toEqual([
    `packages/client/src/browser/reads-file.ts -> crypto ${node}`,
    `packages/client/src/browser/reads-file.ts -> packages/client/src/node/file.ts ${node}`,
    `packages/client/src/sideways.ts -> ${SERVER}/files/above.ts (packages/client imports packages/protocol)`,
    `${SERVER}/files/one.ts -> ${SERVER}/files/two.ts (no-cycles)`,
    `${SERVER}/http/names-disk.ts -> ${SERVER}/blobs/disk/disk-store.ts (blobs/disk is named only in app/ and tests)`,
    `${SERVER}/model/upwards.ts -> ${SERVER}/files/above.ts (${SERVER}/model imports only what is below it)`,
  ]);
}, 30_000);
