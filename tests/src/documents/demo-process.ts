import type { ChildProcess } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import type { NodeInfo } from "@koboldfs/protocol";
import { exitOf, spawnOwned } from "../harness/owned-process.js";
import { COMMAND } from "../harness/run-program.js";
import { makeTempFolder, type TempFolder } from "../harness/temp-folder.js";
import { waitUntil } from "../harness/wait-until.js";
import { CHECKOUT } from "./markdown-blocks.js";

/** What the documents call the nodes' addresses, the first node's first. */
const WRITTEN = ["http://127.0.0.1:9876", "http://127.0.0.1:9875", "http://127.0.0.1:9874"];
/** The last line of the screen; the log follows. */
const LAST_LINE = "The nodes' log follows.\n";
/** Ports for the demo that are neither the documents' (somebody may have them open) nor the system's own choice. */
const FIRST_PORT = 20_000;
/** As many nodes as the demo starts: its ports and those of the process with the next id are others. */
const PORTS_OF_A_DEMO = 3;
const DEMOS = 3_000;

/** `koboldfs demo` in a folder that looks like the checkout to whoever types the documents' examples. */
export class DemoProcess {
  readonly folder: string;
  /** Texts of the documents and what stands for them here. */
  readonly replacements: Record<string, string> = {};
  readonly #temp: TempFolder = makeTempFolder();
  readonly #child: ChildProcess;
  #printed = "";

  constructor() {
    this.folder = this.#temp.path;
    for (const name of ["README.md", "docs", "node_modules"])
      symlinkSync(join(CHECKOUT, name), join(this.folder, name));
    const port = FIRST_PORT + (process.pid % DEMOS) * PORTS_OF_A_DEMO;
    this.#child = spawnOwned(COMMAND, ["demo", "--port", String(port)], {
      cwd: this.folder,
      env: { PATH: process.env["PATH"], HOME: this.folder },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#printed += text;
    });
  }

  /** What the demo said when its cluster was healthy. */
  async screen(): Promise<string> {
    await waitUntil("the demo is healthy", () => this.#printed.includes(LAST_LINE) || this.#child.exitCode !== null, {
      timeoutMs: 120_000,
    });
    const end = this.#printed.indexOf(LAST_LINE);
    if (end < 0) throw new Error(`the demo ended: ${this.#printed}`);
    const screen = this.#printed.slice(0, end + LAST_LINE.length);
    const urls = [...screen.matchAll(/^ {2}kobold\d +(http:\S+)/gm)].map(([, url = ""]) => url);
    for (const [index, url] of urls.entries()) this.replacements[WRITTEN[index] ?? ""] = url;
    return screen;
  }

  /** Any of the nodes, by the address that the documents use. */
  url(written: string): string {
    const url = this.replacements[written];
    if (url === undefined) throw new Error(`the demo has no ${written}`);
    return url;
  }

  /** Resolves when every node has every file. */
  async settled(): Promise<void> {
    await waitUntil("the demo's nodes owe nothing", async () => {
      const response = await fetch(`${this.url(WRITTEN[0] ?? "")}/v1/nodes`);
      const { nodes } = (await response.json()) as { nodes: NodeInfo[] };
      return nodes.every(({ debtFiles, backfill }) => debtFiles === 0 && backfill === 1);
    });
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await exitOf(this.#child);
    this.#temp.remove();
  }
}
