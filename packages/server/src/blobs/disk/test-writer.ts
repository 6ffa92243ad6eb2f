import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseNamespaceName } from "@koboldfs/protocol";
import { openDiskVolumes } from "./open-volumes.js";
import { openOptions } from "./test-volumes.js";

/** The process that `disk-killed.test.ts` kills: it writes one blob until then, and says when bytes are on the disk. */
const directory = process.argv[2] ?? "";
const set = await openDiskVolumes(openOptions([directory]));
const write = await set.create(parseNamespaceName("photos"));
const incoming = join(directory, "incoming");
let told = false;
for (;;) {
  await write.write(Buffer.alloc(65_536, 7));
  const [name] = told ? [] : await readdir(incoming);
  if (name === undefined || (await stat(join(incoming, name))).size === 0) continue;
  process.stdout.write("writing\n");
  told = true;
}
