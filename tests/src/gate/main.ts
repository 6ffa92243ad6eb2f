import { findGrowth } from "./compare-counts.js";
import { measureCounts } from "./measure-counts.js";
import { NodeTrace } from "./node-trace.js";
import { readRecordedCounts, writeRecordedCounts } from "./recorded-counts.js";

const USAGE = `npm run gate -- [--record]

Counts what one request makes two nodes do: flushes, system calls, questions to the databases, bytes allocated.
Compares it with tests/src/gate/recorded-counts.json, or writes it there.
`;

async function main(args: readonly string[]): Promise<number> {
  const [option, ...others] = args;
  if (others.length > 0 || (option !== undefined && option !== "--record")) {
    process.stdout.write(USAGE);
    return option === "--help" ? 0 : 2;
  }
  const strace = await NodeTrace.findStrace();
  if (typeof strace !== "string") throw new Error(strace.skip);
  const measured = await measureCounts(strace);
  process.stdout.write(`${JSON.stringify(measured, undefined, 2)}\n`);
  if (option === "--record") {
    writeRecordedCounts(measured);
    return 0;
  }
  const growth = findGrowth(readRecordedCounts().counts, measured);
  process.stdout.write(growth.map((sentence) => `${sentence}\n`).join(""));
  return growth.length > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
