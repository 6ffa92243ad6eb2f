import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Workloads whose name holds one of these; empty for all. */
  readonly only: readonly string[];
  /** Subjects with exactly these names; empty for all that are on by default. */
  readonly subjects: readonly string[];
  readonly dataFolder: string;
  readonly jsonFile?: string;
  readonly profileFolder?: string;
}

export const USAGE = `npm run bench -- [options]
npm run bench -- large-file [ROUNDS [GIB]]    one file of 2 GiB up and down, with the peak memory

  --rounds N        rounds of A B C A B C, of which the median counts (3)
  --seconds N       length of one measurement (3)
  --only TEXT       only workloads whose name holds TEXT, such as put-64k or c16; may be repeated
  --subject NAME    only this subject; may be repeated, and also turns on those that are off by default
  --data FOLDER     where the data of the run lie: a real disk (.bench in the checkout)
  --json FILE       write machine and all rounds there too
  --profile FOLDER  let every KoboldFS process leave a CPU profile (*.cpuprofile) there
  --smoke           one round of one second, no warm-up: does it all work? Figures mean nothing, errors fail
`;

const DEFAULT_FOLDER = fileURLToPath(new URL("../../.bench", import.meta.url));

/** Undefined when only help was wanted. Throws a TypeError with a sentence for people on anything it does not know. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "3" },
      only: { type: "string", multiple: true, default: [] },
      subject: { type: "string", multiple: true, default: [] },
      data: { type: "string", default: DEFAULT_FOLDER },
      json: { type: "string" },
      profile: { type: "string" },
      smoke: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    rounds: values.smoke ? 1 : parseCount("--rounds", values.rounds),
    seconds: values.smoke ? 1 : parseCount("--seconds", values.seconds),
    warmUpSeconds: values.smoke ? 0 : 1,
    only: values.only,
    subjects: values.subject,
    dataFolder: values.data,
    ...(values.json === undefined ? {} : { jsonFile: values.json }),
    ...(values.profile === undefined ? {} : { profileFolder: values.profile }),
  };
}

function parseCount(option: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new TypeError(`${option} wants a number from 1 to 9999, not '${text}'`);
  return Number(text);
}
