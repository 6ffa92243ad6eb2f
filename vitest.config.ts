import { defineConfig } from "vitest/config";

/** Tests that need a database server end in `.postgres.test.ts` or `.mariadb.test.ts`; `npm run check` leaves them out. */
const ENGINES = "**/*.{postgres,mariadb}.test.js";
/** Tests in `tests/` that start no process and no cluster: a worker of its own for each would cost most of their time. */
const PURE = [
  "gate/{compare-counts,count-requests,parse-trace}",
  "history/*",
  "trees/*",
  "documents/reliability",
  "coupled/sqlite-adapter",
].map((name) => `tests/dist/${name}.test.js`);
/** Tests of whole processes (demo, serve) end in `-process.test.ts`; at seconds each, `npm run check` leaves them out. */
const PROCESSES = "**/*-process.test.js";
/** Property tests and fsyncs on a machine that does other things too: a limit ends what hangs, it does not measure. */
const PATIENCE_MS = 30_000;
/**
 * Files of clusters that were seen to bear another one beside them. They mostly wait, one node after the other, for nodes to
 * start, which is work for one core: two such files run at once. CONTRIBUTING.md has the rule.
 */
const PAIRED = [
  ...["bad-uploads", "degraded", "joining", "keys", "overwrites", "reap", "start-refusals", "stopping", "wrong-secret"],
  "harness/*",
].map((name) => `tests/dist/${name}.test.js`);
/** Real processes and gigabytes: minutes rather than seconds. */
const CLUSTERS = { testTimeout: 300_000, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    // Starts PostgreSQL and MariaDB when a test asks `findTestServer` of @koboldfs/tools, each at most once a run.
    globalSetup: "./tools/dist/databases/vitest-setup.js",
    // Vitest leaves one core for itself; on a small machine that is half of them, and it needs next to nothing.
    maxWorkers: "100%",
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{packages/*,tools,bench,examples}/dist/**/*.test.js", ...PURE],
          exclude: ["**/node_modules/**", ENGINES, PROCESSES],
          // A new process for each of a hundred files costs more than most of them; tests clean up after themselves.
          isolate: false,
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
        },
      },
      {
        extends: true,
        test: {
          name: "processes",
          include: [`packages/*/dist/${PROCESSES}`],
          exclude: ["**/node_modules/**"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "engines",
          include: [`{packages/*,tools}/dist/${ENGINES}`],
          exclude: ["**/node_modules/**"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          ...CLUSTERS,
          name: "cluster pairs",
          include: PAIRED,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...CLUSTERS,
          name: "cluster",
          include: ["tests/dist/**/*.test.js"],
          exclude: ["**/node_modules/**", ...PURE, ...PAIRED],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
