import { expect, it } from "vitest";
import { formatApiReport } from "./api-report.js";

const PATH = "tools/samples/api";

it("shows what is exported, sorted and without comments and privacy, and names what was shown before", () => {
  const report = formatApiReport("API", [
    { name: "sample", declarations: `${PATH}/first.d.ts` },
    { name: "sample/second", declarations: `${PATH}/second.d.ts` },
  ]);
  expect(report).toContain(`## \`sample\`

\`\`\`ts
const SIZE = 3;

class Shelf {
    constructor(name: string);
    put(key: string): Promise<void>;
}
\`\`\`

## \`sample/second\`

\`\`\`ts
type Other = "other";
\`\`\`

The same as above: \`Shelf\`.
`);
});

it("refuses what has not been built", () => {
  expect(() => formatApiReport("API", [{ name: "none", declarations: `${PATH}/none.d.ts` }])).toThrow("built");
});
