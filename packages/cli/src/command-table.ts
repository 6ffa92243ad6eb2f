import type { CommandMaker } from "./command-maker.js";
import { makeGetCommand } from "./commands/get.js";
import { makeLsCommand } from "./commands/ls.js";
import { makeNamespaceCommand } from "./commands/namespace.js";
import { makeNodeCommand } from "./commands/node.js";
import { makePutCommand } from "./commands/put.js";
import { makeRmCommand } from "./commands/rm.js";
import { makeStatCommand } from "./commands/stat.js";
import { makeStatusCommand } from "./commands/status.js";
import { makeSyncCommand } from "./commands/sync.js";
import { makeDemoCommand } from "./demo/demo-command.js";
import { makeServeCommand } from "./serve/serve-command.js";

/** Every command, in the order in which the help shows them. */
export const COMMAND_TABLE: readonly CommandMaker[] = [
  makeDemoCommand,
  makeServeCommand,
  makePutCommand,
  makeGetCommand,
  makeLsCommand,
  makeStatCommand,
  makeRmCommand,
  makeSyncCommand,
  makeNamespaceCommand,
  makeNodeCommand,
  makeStatusCommand,
];
