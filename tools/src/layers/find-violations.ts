import { cruise, type ICruiseResult } from "dependency-cruiser";
import { makeLayerRules } from "./layer-rules.js";

/** Which imports under `root` break a rule, a sentence each, and how many files were looked at. */
export async function findViolations(
  root: string,
  folders: readonly string[],
): Promise<{ violations: string[]; fileCount: number }> {
  const { output } = await cruise([...folders], {
    validate: true,
    ruleSet: { forbidden: makeLayerRules() },
    baseDir: root,
    // Our own packages resolve to what they built, which is read no further than its path.
    doNotFollow: { path: "node_modules|/dist/" },
    // Types count: a layer that knows another's types knows the layer.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["types", "import", "node", "default"] },
  });
  if (typeof output === "string") throw new Error(`dependency-cruiser answered text: ${output}`);
  return { violations: output.summary.violations.map(formatViolation), fileCount: output.summary.totalCruised };
}

function formatViolation({ rule, from, to }: ICruiseResult["summary"]["violations"][number]): string {
  return `${from} -> ${to} (${rule.name})`;
}
