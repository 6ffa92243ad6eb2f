import { describeMainJob } from "./main-job/main-job.js";

describeMainJob({ engine: "postgres", files: 5_000, filesWhileDead: 1_000, by: "client" });
