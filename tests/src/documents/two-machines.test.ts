import type { ChildProcess } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { getTestPostgres } from "@koboldfs/tools";
import { afterAll, expect, it } from "vitest";
import { findFreePort } from "../harness/free-port.js";
import { exitOf } from "../harness/owned-process.js";
import { makeTempFolder } from "../harness/temp-folder.js";
import { waitUntil } from "../harness/wait-until.js";
import { CHECKOUT, findBlock, readBlocks } from "./markdown-blocks.js";
import { runShellExample, startShellExample } from "./shell-example.js";

const README = readBlocks("README.md");
const temp = makeTempFolder();
const database = await (await getTestPostgres()).createDatabase();
const nodes: ChildProcess[] = [];

afterAll(async () => {
  for (const node of nodes) node.kill("SIGKILL");
  await Promise.all(nodes.map(exitOf));
  await database.drop();
  temp.remove();
});

it("the README's two machines with PostgreSQL find each other and share a file", async () => {
  const [alpha, beta] = [await findFreePort(), await findFreePort()];
  symlinkSync(join(CHECKOUT, "README.md"), join(temp.path, "README.md"));
  const replacements = {
    "10.0.0.1:9876": `127.0.0.1:${alpha}`,
    "10.0.0.2:9876": `127.0.0.1:${beta}`,
    "postgres://koboldfs:password@db/koboldfs": database.url,
  };
  for (const [name, port] of Object.entries({ alpha, beta })) {
    const data = join(temp.path, name);
    mkdirSync(data);
    const { text } = findBlock(README, "sh", `--name ${name}`);
    const place = { cwd: temp.path, replacements: { ...replacements, "/srv/koboldfs": data } };
    const node = startShellExample(text, place);
    nodes.push(node);
    let said = "";
    for (const stream of [node.stdout, node.stderr]) stream?.on("data", (chunk) => (said += String(chunk)));
    await waitUntil(`${name} is ready`, async () => {
      if (node.exitCode !== null) throw new Error(`${name} ended:\n${said}`);
      return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
    });
  }
  const printed = await runShellExample(findBlock(README, "sh", "namespace create photos").text, {
    cwd: temp.path,
    replacements,
  });
  expect(printed).toMatch(/alpha.*\n.*beta/);
});
