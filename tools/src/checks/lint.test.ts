import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { WORKSPACE_ROOT } from "../workspace.js";

it("the linter, configured as in `npm run check`, finds a forgotten await", async () => {
  const run = promisify(execFile)(
    "node_modules/.bin/oxlint",
    ["--type-aware", "--deny-warnings", "tools/samples/lint"],
    { cwd: WORKSPACE_ROOT },
  );
  const failure = await run.then(
    () => undefined,
    (error: { code: number; stdout: string }) => error,
  );
  expect(failure?.code).toBe(1);
  expect(failure?.stdout).toContain("typescript(no-floating-promises)");
  expect(failure?.stdout).toContain("Found 0 warnings and 1 error");
}, 30_000);
