import { bundleCommand } from "./bundle-command.js";

await bundleCommand();
