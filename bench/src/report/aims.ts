import type { Row } from "../measure/measurement.js";

/** A figure that a subject shall reach in a workload, beside another subject's or its own. */
interface Aim {
  readonly workload: string;
  readonly subject: string;
  /** For people: what is compared. */
  readonly what: string;
  /** Undefined when something it needs was not measured. */
  readonly measure: (rows: readonly Row[], subject: string) => number | undefined;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Half of the disk's durable creates: two copies share one disk here. */
const COPIES = 2;
const OURS = "koboldfs-two";

/** The floors of the project's plan for performance; what is missed stays in the report. */
const AIMS: readonly Aim[] = [
  ...putAims("put-4k-c16", { disk: 0.6, mirrored: 0.25 }),
  {
    ...{ workload: "put-4k-c16", subject: "koboldfs-two-crowded", what: "rate : an empty namespace's" },
    ...{ measure: rateRatioTo(OURS), atLeast: 0.9 },
  },
  ...putAims("put-64k-c16", { disk: 0.5, mirrored: 0.38 }),
  ...putAims("put-1m-c16", { disk: 0.75, mirrored: 0.45 }),
  getAim("get-4k-c16", 0.2),
  { workload: "get-4k-c16", subject: OURS, what: "CPU a request : nginx", measure: cpuRatioTo("nginx"), atMost: 4 },
  getAim("get-64k-c16", 0.4),
  getAim("get-1m-c16", 0.5),
  ...["get-4k-c16", "get-64k-c16", "get-1m-c16"].map((workload) => getAim(workload, 0.97, "koboldfs-direct")),
  getAim("get-1m-c16", 0.85, "koboldfs-accel"),
  getAim("delete-4k-c16", 0.4),
  getAim("mixed-64k-c16", 0.35),
  ...["put-4k-c64", "get-4k-c64"].map((workload) => ({
    ...{ workload, subject: OURS, what: "p99 : median", atMost: 4 },
    measure: (rows: readonly Row[], subject: string) => latencySpread(find(rows, subject)),
  })),
];

/** One line for each aim of this workload that was measured. */
export function formatAims(rows: readonly Row[]): string[] {
  return AIMS.flatMap(({ workload, subject, what, measure, atLeast, atMost }) => {
    if (rows[0]?.workload !== workload) return [];
    const figure = measure(rows, subject);
    if (figure === undefined) return [];
    const isMet = figure >= (atLeast ?? 0) && figure <= (atMost ?? Number.POSITIVE_INFINITY);
    const limit = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
    return [`  ${isMet ? "reached" : "MISSED "} ${subject}, ${what}: ${figure.toFixed(3)}, aim ${limit}`];
  });
}

function putAims(workload: string, floors: { disk: number; mirrored: number }): Aim[] {
  const common = { workload, subject: OURS };
  return [
    { ...common, what: "rate : half the disk's", measure: rateRatioTo("disk", COPIES), atLeast: floors.disk },
    { ...common, what: "rate : nginx-mirrored", measure: rateRatioTo("nginx-mirrored"), atLeast: floors.mirrored },
  ];
}

function getAim(workload: string, atLeast: number, subject = OURS): Aim {
  return { workload, subject, what: "rate : nginx", measure: rateRatioTo("nginx"), atLeast };
}

function rateRatioTo(other: string, factor = 1): Aim["measure"] {
  return (rows, subject) => {
    const [ours, theirs] = [find(rows, subject), find(rows, other)];
    return ours && theirs && (factor * ours.median.requestsPerSecond) / theirs.median.requestsPerSecond;
  };
}

function cpuRatioTo(other: string): Aim["measure"] {
  return (rows, subject) => {
    const [ours, theirs] = [find(rows, subject), find(rows, other)];
    return ours && theirs && ours.median.cpuSecondsPer1000 / theirs.median.cpuSecondsPer1000;
  };
}

function latencySpread(row: Row | undefined): number | undefined {
  return row && row.median.latencyMs.p99 / row.median.latencyMs.p50;
}

function find(rows: readonly Row[], name: string): Row | undefined {
  return rows.find(({ subject }) => subject === name);
}
