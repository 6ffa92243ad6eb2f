import { join } from "node:path";
import ts from "typescript";
import { WORKSPACE_ROOT } from "../workspace.js";

/** One thing that can be imported: by its name, and where its declarations were built to. */
export interface EntryPoint {
  readonly name: string;
  /** Relative to the checkout. */
  readonly declarations: string;
}

const INTRODUCTION = `What these entry points export, as their users' compiler sees it. \`npm run documents\` writes this file and
\`npm run check\` compares it, so that a change of what others build on shows in review.
`;

/** A report of the exports of some entry points. What a later one has in common with an earlier one is only named. */
export function formatApiReport(title: string, entryPoints: readonly EntryPoint[]): string {
  const paths = entryPoints.map(({ declarations }) => join(WORKSPACE_ROOT, declarations));
  const program = ts.createProgram(paths, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: [],
    skipLibCheck: true,
  });
  const told = new Set<ts.Symbol>();
  const chapters = entryPoints.map(({ name }, index) => {
    const exported = exportsOf(program, paths[index] ?? "");
    const fresh = exported.filter(({ target }) => !told.has(target));
    const known = exported.filter(({ target }) => told.has(target));
    for (const { target } of fresh) told.add(target);
    return formatChapter(name, fresh, known);
  });
  return `# ${title}\n\n${INTRODUCTION}\n${chapters.join("\n")}`;
}

interface Exported {
  readonly name: string;
  /** Exported by several entry points, it is one and the same. */
  readonly target: ts.Symbol;
}

function exportsOf(program: ts.Program, path: string): Exported[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(path);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${path} is no module: has it been built?`);
  const exported = checker.getExportsOfModule(module).map((symbol) => ({
    name: symbol.name,
    target: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  }));
  return exported.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function formatChapter(name: string, fresh: readonly Exported[], known: readonly Exported[]): string {
  const declarations = fresh.flatMap(({ target }) => (target.declarations ?? []).map(formatDeclaration));
  const same = known.map((exported) => `\`${exported.name}\``).join(", ");
  const rest = same === "" ? "" : `\nThe same as above: ${same}.\n`;
  return `## \`${name}\`\n\n\`\`\`ts\n${declarations.join("\n\n")}\n\`\`\`\n${rest}`;
}

function formatDeclaration(declaration: ts.Declaration): string {
  // `const x: T` stands inside of the statement that says const.
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const printer = ts.createPrinter({ removeComments: true });
  const text = printer.printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile());
  const lines = text.replace(/^export (declare )?|^declare /, "").split("\n");
  return lines.filter((line) => !/^\s*(#private|private .*);$/.test(line)).join("\n");
}
