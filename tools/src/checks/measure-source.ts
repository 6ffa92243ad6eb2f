import ts from "typescript";

export interface FunctionSize {
  readonly name: string;
  /** 1-based line where it begins. */
  readonly line: number;
  readonly lines: number;
}

export interface SourceSize {
  readonly lines: number;
  readonly functions: readonly FunctionSize[];
}

/** Blocks of a test: `describe` holds a chapter and is as long as its tests, so they do not count in what is around. */
const TEST_CALLS = new Set(["describe", "it", "test"]);

/** Measures a source: its lines, and every function with a body. */
export function measureSource(path: string, text: string): SourceSize {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const functions: FunctionSize[] = [];
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const linesOf = (node: ts.Node) => lineOf(node.getEnd()) - lineOf(node.getStart(source)) + 1;

  /** Answers how many lines of the node are test blocks, which measure themselves. */
  const visit = (node: ts.Node): number => {
    let testLines = 0;
    ts.forEachChild(node, (child) => {
      testLines += visit(child);
    });
    if (isFunctionWithBody(node)) {
      const lines = Math.max(linesOf(node) - testLines, 1);
      functions.push({ name: nameOf(node), line: lineOf(node.getStart(source)) + 1, lines });
    }
    return isTestCall(node) ? linesOf(node) : testLines;
  };
  visit(source);
  return { lines: text.split("\n").length - (text.endsWith("\n") ? 1 : 0), functions };
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  if (node.name) return node.name.getText();
  const parent = node.parent;
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : "(anonymous)";
}

/** `it(…)`, `describe.skipIf(…)(…)`, `it.each(…)(…)`, … */
function isTestCall(node: ts.Node): boolean {
  if (!ts.isCallExpression(node)) return false;
  let callee: ts.Node = node.expression;
  while (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) callee = callee.expression;
  return ts.isIdentifier(callee) && TEST_CALLS.has(callee.text);
}
