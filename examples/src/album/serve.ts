import { once } from "node:events";
import { ClientPool, createPgAdapter } from "@koboldfs/client";
import pg from "pg";
import { Album } from "./album.js";
import { createApp } from "./app.js";

/** One process of the application. Reads DATABASE_URL, KOBOLDFS_SERVERS (comma) and PORT; prints its URL when it is ready. */
const { DATABASE_URL = "", KOBOLDFS_SERVERS = "", PORT = "3000" } = process.env;
const rows = new pg.Pool({ connectionString: DATABASE_URL });
// An idle connection that breaks is replaced; whoever uses one is told.
rows.on("error", (error) => console.error(error.message));
const database = createPgAdapter<pg.PoolClient>(rows);
const files = new ClientPool({ servers: KOBOLDFS_SERVERS.split(","), database });
const album = new Album(files, rows, database);
await album.prepare();
const recovery = files.startRecovery(database, { minAgeMs: 5_000, everyMs: 2_000 });

const app = await createApp(album);
console.log(await app.listen({ host: "127.0.0.1", port: Number(PORT) }));

await once(process, "SIGTERM");
await app.close();
await recovery.stop();
await files.close();
await rows.end();
