import type { CommandMaker } from "./command-maker.js";
import { makeCatCommand } from "./commands/cat.js";
import { makeCompletionCommand } from "./commands/completion.js";
import { makeCpCommand } from "./commands/cp.js";
import { makeGetCommand } from "./commands/get.js";
import { makeCommandsCommand, makeCompleteCommand } from "./commands/hidden.js";
import { makeLsCommand } from "./commands/ls.js";
import { makeMvCommand } from "./commands/mv.js";
import { makeNamespaceCommand } from "./commands/namespace.js";
import { makeNodeCommand } from "./commands/node.js";
import { makePutCommand } from "./commands/put.js";
import { makeRmCommand } from "./commands/rm.js";
import { makePurgeCommand } from "./commands/purge.js";
import { makeRestoreCommand } from "./commands/restore.js";
import { makeUndeleteCommand } from "./commands/undelete.js";
import { makeVersionsCommand } from "./commands/versions.js";
import { makeStatCommand } from "./commands/stat.js";
import { makeStatusCommand } from "./commands/status.js";
import { makeSyncCommand } from "./commands/sync.js";
import { makeUrlCommand } from "./commands/url.js";
import { makeDemoCommand } from "./demo/demo-command.js";
import { makeServeCommand } from "./serve/serve-command.js";

/** Every command, in the order in which the help shows them. */
export const COMMAND_TABLE: readonly CommandMaker[] = [
  makeDemoCommand,
  makeServeCommand,
  makePutCommand,
  makeGetCommand,
  makeCatCommand,
  makeLsCommand,
  makeStatCommand,
  makeUrlCommand,
  makeCpCommand,
  makeMvCommand,
  makeRmCommand,
  makeVersionsCommand,
  makeUndeleteCommand,
  makeRestoreCommand,
  makePurgeCommand,
  makeSyncCommand,
  makeNamespaceCommand,
  makeNodeCommand,
  makeStatusCommand,
  makeCompletionCommand,
];

/** Commands for scripts and generators, which help does not show. */
export const HIDDEN_COMMANDS: readonly CommandMaker[] = [makeCompleteCommand, makeCommandsCommand];
