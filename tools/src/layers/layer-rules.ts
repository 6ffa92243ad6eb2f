import type { IForbiddenRuleType } from "dependency-cruiser";
import {
  IMPLEMENTATIONS,
  type Layer,
  MADE_OF,
  PACKAGE_LAYERS,
  SERVER_IMPORTERS,
  SERVER_LAYERS,
} from "./layer-table.js";

const SERVER = "packages/server/src";
/** Tests, the conformance suites that they share, and what else only they use. */
const TEST_FILE = "(\\.test|-conformance)\\.ts$|/test-[^/]+\\.ts$|/(testing|conformance)/";

const oneOf = (folders: readonly string[]) => `(${folders.join("|")})/`;

/** The rules of dependency-cruiser that the tables of layers mean. */
export function makeLayerRules(): IForbiddenRuleType[] {
  const inside = (layer: Layer): Layer => ({
    ...layer,
    folder: `${SERVER}/${layer.folder}`,
    mayImport: layer.mayImport.map((folder) => `${SERVER}/${folder}`),
  });
  return [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "nothing-unresolved", severity: "error", from: {}, to: { couldNotResolve: true } },
    ...PACKAGE_LAYERS.map((layer) => packageRule(layer)),
    ...SERVER_LAYERS.map(inside).map(serverRule),
    ...IMPLEMENTATIONS.map(implementationRule),
    {
      name: "only tests import what is for tests",
      severity: "error",
      from: { path: "^packages/", pathNot: TEST_FILE },
      to: { path: TEST_FILE },
    },
    {
      name: "the client knows Node only in node/: the rest runs in browsers too",
      severity: "error",
      from: { path: "^packages/client/src/", pathNot: ["^packages/client/src/(node/|index\\.ts$)", TEST_FILE] },
      to: { path: ["^packages/client/src/node/", "^node:", "^(fs|crypto|stream)(/|$)", "(^|/)undici(/|$)"] },
    },
    {
      name: "only serve and demo import the server",
      severity: "error",
      from: { path: "^packages/cli/", pathNot: [...SERVER_IMPORTERS.map((path) => `^${path}`), TEST_FILE] },
      to: { path: "^packages/server/" },
    },
  ];
}

function packageRule({ folder, mayImport }: Layer): IForbiddenRuleType {
  const ours = PACKAGE_LAYERS.map((layer) => layer.folder);
  const allowed = [folder, ...mayImport];
  return {
    name: `${folder} imports ${mayImport.join(", ") || "no other package"}`,
    severity: "error",
    // Tests of any package may ask @koboldfs/tools for databases.
    from: { path: `^${folder}/`, pathNot: TEST_FILE },
    to: { path: `^${oneOf(ours)}`, pathNot: `^${oneOf(allowed)}` },
  };
}

function serverRule({ folder, mayImport }: Layer): IForbiddenRuleType {
  return {
    name: `${folder} imports only what is below it`,
    severity: "error",
    from: { path: `^${folder}/`, pathNot: TEST_FILE },
    to: { path: `^${SERVER}/[^/]+/`, pathNot: `^${oneOf([folder, ...mayImport])}` },
  };
}

function implementationRule(implementation: string): IForbiddenRuleType {
  const path = `^${SERVER}/${implementation}/`;
  const users = (MADE_OF[implementation] ?? []).map((user) => `^${SERVER}/${user}/`);
  return {
    name: `${implementation} is named only in app/ and tests`,
    severity: "error",
    from: { path: "^packages/", pathNot: [path, ...users, `^${SERVER}/app/`, TEST_FILE] },
    to: { path },
  };
}
