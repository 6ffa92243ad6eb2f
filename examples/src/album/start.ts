import { once } from "node:events";
import { startSurroundings } from "../surroundings.js";
import { startAlbum } from "./app-process.js";

/** The album with everything it needs, until Ctrl-C. */
console.log("Starting a PostgreSQL and a cluster of three nodes…");
const surroundings = await startSurroundings();
const { url, child } = await startAlbum(surroundings, Number(process.env["PORT"] ?? 3000));
console.log(`The album is at ${url}; its files are at ${surroundings.servers.join(", ")}.`);

await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
child.kill("SIGTERM");
await surroundings.stop();
