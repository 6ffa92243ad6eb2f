import { fileURLToPath } from "node:url";

/** The command itself, for whoever starts it as a process of its own. */
export const COMMAND_FILE = fileURLToPath(new URL("../bin/koboldfs.js", import.meta.url));
