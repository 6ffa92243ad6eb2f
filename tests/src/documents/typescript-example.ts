import { writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { mustRun } from "../harness/run-program.js";
import { CHECKOUT } from "./markdown-blocks.js";

/**
 * Checks a TypeScript block as strictly as our own code, then runs it; answers what it printed. `folder` has a
 * `node_modules`. Throws on an error of type, and when the program fails.
 */
export async function runTypeScriptExample(text: string, folder: string): Promise<string> {
  const source = join(folder, "example.ts");
  writeFileSync(source, text);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const options = { ...readCompilerOptions(), composite: false, declaration: false, sourceMap: false, outDir: folder };
  const program = ts.createProgram([source], options);
  const emitted = program.emit();
  const errors = [...ts.getPreEmitDiagnostics(program), ...emitted.diagnostics];
  if (errors.length > 0) {
    const texts = errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
    throw new Error(`the example has errors:\n${texts.join("\n")}\n${text}`);
  }
  return mustRun(join(folder, "example.js"), [], { cwd: folder });
}

function readCompilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(CHECKOUT, "tsconfig.base.json"), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  return ts.parseJsonConfigFileContent(config, ts.sys, CHECKOUT).options;
}
