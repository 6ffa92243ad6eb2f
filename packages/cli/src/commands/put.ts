import { basename } from "node:path";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { parsePrefixAddress } from "../file-address.js";
import { collectPair, parseCount, parseJobs } from "../option-values.js";
import { printable } from "../output/printable.js";
import { formatSize } from "../output/sizes.js";
import { TransferBoard } from "../output/transfer-board.js";
import { type LocalSource, openLocalSource } from "../transfer/local-source.js";
import { DEFAULT_JOBS, runMany } from "../transfer/run-many.js";
import { TRANSFER_DEADLINE_MS } from "../transfer/transfer-deadline.js";
import { UsageError } from "../usage-error.js";

interface PutCommandOptions extends ConnectionOptions {
  readonly type?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly minCopies?: number;
  readonly clobber: boolean;
  readonly jobs: number;
}

const EXAMPLES = `
Examples:
  koboldfs put motd.txt demo/motd              one file under a key
  koboldfs put *.jpg demo/photos/              several files, each under its name
  pg_dump shop | koboldfs put - demo/shop.sql  standard input
  koboldfs put -n --type text/html index.html site/index.html`;

export function makePutCommand(context: CommandContext): Command {
  return withConnection(new Command("put"))
    .description("store files")
    .usage("[options] <source...> <target>")
    .argument(
      "<paths...>",
      "sources: files, or - for standard input; last the target: NAMESPACE/KEY, or NAMESPACE or NAMESPACE/PREFIX/ to keep the files' names",
    )
    .option("--type <MEDIA-TYPE>", "content type of the files")
    .option("--meta <NAME=VALUE>", "a text to keep with the files; may be given several times", collectPair)
    .option("--min-copies <N>", "refuse unless so many nodes have the bytes", parseCount)
    .option("-n, --no-clobber", "refuse where there is a file already")
    .option("-j, --jobs <N>", "files under way at once", parseJobs, DEFAULT_JOBS)
    .addHelpText("after", EXAMPLES)
    .action(async (paths: string[], options: PutCommandOptions) => {
      await withRun(context, options, (run) => putFiles(run, planPuts(paths), options));
    });
}

interface PlannedPut {
  readonly source: string;
  readonly namespace: string;
  readonly key: string;
}

interface OpenedPut extends PlannedPut {
  readonly local: LocalSource;
}

function planPuts(paths: readonly string[]): PlannedPut[] {
  const target = paths.at(-1);
  const sources = paths.slice(0, -1);
  if (target === undefined || sources.length === 0) throw new UsageError("say which files, then NAMESPACE/KEY");
  const { namespace, key } = parsePrefixAddress(target);
  const isPrefix = key === "" || key.endsWith("/");
  if (!isPrefix && sources.length > 1)
    throw new UsageError("several files need NAMESPACE or NAMESPACE/PREFIX/ as target");
  const puts = sources.map((source) => {
    if (source === "-" && (key === "" || sources.length > 1)) {
      throw new UsageError("standard input has no name to keep; it needs a NAMESPACE/KEY of its own");
    }
    if (!isPrefix || source === "-") return { source, namespace, key };
    return { source, namespace, key: key + basename(source) };
  });
  const twice = puts.find((put, index) => puts.findIndex((other) => other.key === put.key) !== index);
  if (twice !== undefined) throw new UsageError(`two of the files would be ${namespace}/${twice.key}`);
  return puts;
}

async function putFiles(run: Run, puts: readonly PlannedPut[], options: PutCommandOptions): Promise<void> {
  const opened = await Promise.all(
    puts.map(async (put) => ({ ...put, local: await openLocalSource(put.source, run.context.stdin) })),
  );
  const bytes = opened.reduce<number | undefined>((sum, { local }) => addSizes(sum, local.sizeBytes), 0);
  const board = new TransferBoard(run, { files: puts.length, bytes });
  try {
    const work = (put: OpenedPut) => putFile({ run, board, options }, put);
    if (opened.length === 1 && opened[0] !== undefined) await work(opened[0]);
    else await runMany(run, { items: opened, jobs: options.jobs }, work);
  } finally {
    board.stop();
  }
}

function addSizes(sum: number | undefined, sizeBytes: number | undefined): number | undefined {
  return sum === undefined || sizeBytes === undefined ? undefined : sum + sizeBytes;
}

interface Putting {
  readonly run: Run;
  readonly board: TransferBoard;
  readonly options: PutCommandOptions;
}

async function putFile({ run, board, options }: Putting, { source, namespace, key, local }: OpenedPut): Promise<void> {
  if ("failure" in local) throw local.failure;
  const client = run.connect(namespace, { deadlineMs: TRANSFER_DEADLINE_MS, maxInFlight: options.jobs });
  const transfer = board.begin(source, local.sizeBytes);
  let succeeded = false;
  try {
    const reply = await client.put(key, local.source, {
      signal: run.context.signal,
      onProgress: (done) => transfer.update(done),
      ...(options.type !== undefined && { contentType: options.type }),
      ...(options.meta !== undefined && { metadata: options.meta }),
      ...(options.minCopies !== undefined && { minCopies: options.minCopies }),
      ...(!options.clobber && { ifNoneMatch: "*" }),
    });
    succeeded = true;
    const copies = reply.copies < reply.wanted ? `, ${reply.copies} of ${reply.wanted} copies so far` : "";
    const text = `${namespace}/${printable(key)}  ${formatSize(reply.size)}${copies}`;
    await run.output.result({ namespace, key, ...reply }, text);
  } finally {
    transfer.end(succeeded);
  }
}
