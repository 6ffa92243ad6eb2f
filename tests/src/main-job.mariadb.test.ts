import { describe, it } from "vitest";
import { reasonOf, whyEngineIsMissing } from "./harness/test-catalog.js";
import { describeMainJob } from "./main-job/main-job.js";

const missing = await whyEngineIsMissing("mariadb");

if (missing === undefined) describeMainJob({ engine: "mariadb", files: 500, filesWhileDead: 200, by: "client" });
else describe("the main job on mariadb", () => it.skip(`runs${reasonOf(missing)}`));
