import type { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { exitOf, spawnOwned } from "../harness/owned-process.js";
import { mustRun } from "../harness/run-program.js";
import { CHECKOUT } from "./markdown-blocks.js";

/**
 * Checks TypeScript programs of a document as strictly as our own code and compiles them, each to its own name with
 * `.js`. `folder` has a `node_modules`. Throws on an error of type.
 */
export function compileExamples(texts: Readonly<Record<string, string>>, folder: string): void {
  const sources = Object.entries(texts).map(([name, text]) => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const ours = { ...readCompilerOptions(), composite: false, declaration: false, sourceMap: false };
  const program = ts.createProgram(sources, { ...ours, outDir: folder, rootDir: folder });
  const emitted = program.emit();
  const errors = [...ts.getPreEmitDiagnostics(program), ...emitted.diagnostics];
  if (errors.length === 0) return;
  throw new Error(`the examples have errors:\n${ts.formatDiagnostics(errors, FORMAT)}`);
}

const FORMAT: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => CHECKOUT,
  getCanonicalFileName: (name) => name,
  getNewLine: () => "\n",
};

/** Compiles one program and runs it to its end; answers what it printed. Throws when it fails. */
export async function runTypeScriptExample(text: string, folder: string): Promise<string> {
  compileExamples({ "example.ts": text }, folder);
  return mustRun(join(folder, "example.js"), [], { cwd: folder });
}

/** A compiled program that serves until it is stopped. */
export interface RunningExample {
  stop(): Promise<void>;
}

/** Starts a compiled program; resolves when it prints the URL at which it listens. */
export async function startCompiledExample(name: string, folder: string): Promise<RunningExample> {
  const child = spawnOwned(process.execPath, [join(folder, name)], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  await listening(child, name);
  return {
    stop: async () => {
      child.kill("SIGTERM");
      await exitOf(child);
    },
  };
}

function listening(child: ChildProcess, name: string): Promise<void> {
  let said = "";
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (said.includes("http://")) resolve();
      });
    }
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}:\n${said}`)));
  });
}

function readCompilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(CHECKOUT, "tsconfig.base.json"), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  return ts.parseJsonConfigFileContent(config, ts.sys, CHECKOUT).options;
}
