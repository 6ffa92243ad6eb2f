import { execFile, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findOrInstallPrograms } from "@koboldfs/tools";
import { COMMAND, runCommand } from "../testing/run-command.js";
import { runInside } from "../testing/run-inside.js";
import { TestNode } from "../testing/test-node.js";

const zsh = await findOrInstallPrograms({ name: "zsh", programs: ["zsh"], packages: ["zsh"] });
const fish = await findOrInstallPrograms({ name: "fish", programs: ["fish"], packages: ["fish"] });

let node: TestNode;
let env: Record<string, string>;

beforeAll(async () => {
  node = await TestNode.start();
  const programs = join(node.folder, "programs");
  await mkdir(programs);
  // What the scripts ask is what is tested, and not how soon a busy machine answers.
  const patient = `if [ "$1" = __complete ]; then set -- "$@" --patience 60000; fi`;
  const program = `#!/bin/sh\n${patient}\nexec "${process.execPath}" "${COMMAND}" "$@"\n`;
  await writeFile(join(programs, "koboldfs"), program, { mode: 0o755 });
  env = {
    PATH: `${programs}:${process.env["PATH"] ?? ""}`,
    KOBOLDFS_SERVER: node.url,
    HOME: node.folder,
    TERM: "xterm",
  };
  for (const name of ["demo", "photos"]) await runInside(["namespace", "create", name], { env });
  for (const key of ["plain", "with blank", "x:y:z", "sub/one"]) {
    await runInside(["put", "-", `demo/${key}`], { env, stdin: "x" });
  }
  for (const shell of ["bash", "zsh", "fish"]) {
    await writeFile(join(node.folder, `completion.${shell}`), (await runInside(["completion", shell])).stdout);
  }
});

afterAll(() => node.stop());

describe("the script for bash", () => {
  /** What the completion function makes of words, the last of which is being typed. */
  async function complete(...words: string[]): Promise<string[]> {
    const line = words.join(" ").replaceAll(" :", ":").replaceAll(": ", ":");
    const script = `source "$HOME/completion.bash"
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMP_LINE=${JSON.stringify(line)}; COMP_POINT=\${#COMP_LINE}
_koboldfs
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await promisify(execFile)("bash", ["-c", script, "bash", ...words], { env, cwd: node.folder });
    return stdout
      .split("\n")
      .slice(0, -1)
      .filter((text) => text !== "");
  }

  it.each([
    [["na"], ["namespace"]],
    [["namespace", "s"], ["show"]],
    [["get", "--jo"], ["--jobs"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["namespace", "show", "ph"], ["photos"]],
    [["get", "dem"], ["demo/"]],
    [
      ["rm", "-f", "demo/"],
      ["demo/plain", "demo/sub/", "demo/with blank", "demo/x:y:z"],
    ],
    [["rm", "demo/x", ":", "y"], ["y:z"]],
    [["serve", "--config", "completion.b"], ["completion.bash"]],
  ])("completes %j to %j", async (words, expected) => {
    expect(await complete("koboldfs", ...words)).toEqual(expected);
  });

  it("is quiet when no server answers", async () => {
    expect(await complete("koboldfs", "rm", "--server", "http://127.0.0.1:1", "demo/")).toEqual([]);
  });
});

describe.skipIf("skip" in zsh)(`the script for zsh${"skip" in zsh ? ` (${zsh.skip})` : ""}`, () => {
  /** What stands on the command line of a real zsh after the keys. */
  async function type(keys: readonly string[]): Promise<string[]> {
    const shell = new Terminal("zsh -f -i", env);
    try {
      shell.write("PS1='> '; autoload -Uz compinit; compinit -u -D; source ~/completion.zsh; echo RE''ADY\n");
      await shell.until(/READY\r/);
      const lines: string[] = [];
      for (const [index, typed] of keys.entries()) {
        // The line editor takes the keys one after the other: what follows the tab waits until it is completed.
        shell.write(`${typed}\u0001print -r -- '<${index} \u0005 >'\n`);
        lines.push((await shell.until(new RegExp(`^<${index} (.*?) *>\\r`, "m")))[1] ?? "");
      }
      return lines;
    } finally {
      shell.write("exit\n");
      await shell.ended;
    }
  }

  it("completes commands, parts of commands, options, namespaces and keys", async () => {
    expect(
      await type([
        "koboldfs namesp\t",
        "koboldfs namespace sh\tph\t",
        "koboldfs get --jo\t",
        "koboldfs get demo/su\t\t",
        "koboldfs rm demo/x:\t",
      ]),
    ).toEqual([
      "koboldfs namespace",
      "koboldfs namespace show photos",
      "koboldfs get --jobs",
      "koboldfs get demo/sub/one",
      "koboldfs rm demo/x:y:z",
    ]);
  });
});

describe.skipIf("skip" in fish)(`the script for fish${"skip" in fish ? ` (${fish.skip})` : ""}`, () => {
  /** What a real fish offers for the line that is being typed, without the descriptions behind the tabs. */
  async function complete(line: string): Promise<string[]> {
    const script = "source ~/completion.fish; complete --do-complete $argv[1]";
    const { stdout, stderr } = await promisify(execFile)("fish", ["--no-config", "-c", script, line], {
      env,
      cwd: node.folder,
    });
    expect(stderr).toBe("");
    return stdout.split("\n").flatMap((offer) => offer.split("\t")[0] || []);
  }

  it.each([
    ["koboldfs namesp", ["namespace"]],
    ["koboldfs namespace s", ["show"]],
    ["koboldfs get --jo", ["--jobs"]],
    ["koboldfs completion ", ["bash", "fish", "zsh"]],
    ["koboldfs namespace show ph", ["photos"]],
    ["koboldfs get dem", ["demo/"]],
    // It quotes what it offers when it puts it on the line.
    ["koboldfs rm -f demo/", ["demo/plain", "demo/sub/", "demo/with blank", "demo/x:y:z"]],
    ["koboldfs rm demo/x:", ["demo/x:y:z"]],
    ["koboldfs serve --config completion.b", ["completion.bash"]],
    ["koboldfs rm demo/with\\ b", ["demo/with blank"]],
    ["koboldfs rm 'demo/with b", ["demo/with blank"]],
    // Nothing of another command.
    ["koboldfs namespace show --jo", []],
  ])("completes '%s' to %j", async (line, expected) => {
    expect(await complete(line)).toEqual(expected);
  });

  it("is quiet when no server answers", async () => {
    expect(await complete("koboldfs rm --server http://127.0.0.1:1 demo/")).toEqual([]);
  });
});

describe("the hidden command behind the scripts", () => {
  it("prints nothing and says nothing when it has nothing to say", async () => {
    const result = await runCommand(["__complete", "file", "demo/", "--server", "http://127.0.0.1:1"]);
    expect(result).toMatchObject({ stdout: "", stderr: "" });
    expect(await runInside(["__complete", "file", "none/"], { env })).toMatchObject({ stdout: "", stderr: "" });
  });

  it("is not in the help", async () => {
    expect((await runInside(["--help"])).stdout).not.toContain("__");
  });
});

/** A program on a pseudo terminal. */
class Terminal {
  readonly ended: Promise<unknown>;
  readonly #child;
  #text = "";
  #wake: () => void = () => undefined;

  constructor(command: string, environment: Readonly<Record<string, string>>) {
    this.#child = spawn("script", ["--quiet", "--flush", "--command", `stty cols 200; ${command}`, "/dev/null"], {
      env: environment,
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
      this.#wake();
    });
    this.ended = new Promise((resolve) => this.#child.once("close", resolve));
  }

  write(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Waits for what the terminal shows. The test's own limit ends it. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match !== null) return match;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
