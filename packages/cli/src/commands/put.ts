import { basename } from "node:path";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { parsePrefixAddress } from "../file-address.js";
import { printable } from "../output/printable.js";
import { ProgressBar } from "../output/progress-bar.js";
import { formatSize } from "../output/sizes.js";
import { parseCount } from "../option-values.js";
import { UsageError } from "../usage-error.js";

interface PutCommandOptions extends ConnectionOptions {
  readonly type?: string;
  readonly minCopies?: number;
}

/** Large uploads wait longer for a server than a person would for an answer. */
const TRANSFER_DEADLINE_MS = 30_000;

export function makePutCommand(context: CommandContext): Command {
  return withConnection(new Command("put"))
    .description("store files")
    .usage("[options] <source...> <target>")
    .argument(
      "<paths...>",
      "sources: files, or - for standard input; last the target: NAMESPACE/KEY, or NAMESPACE or NAMESPACE/PREFIX/ to keep the files' names",
    )
    .option("--type <MEDIA-TYPE>", "content type of the files")
    .option("--min-copies <N>", "refuse unless so many nodes have the bytes", parseCount)
    .addHelpText("after", EXAMPLES)
    .action(async (paths: string[], options: PutCommandOptions) => {
      await withRun(context, options, (run) => putFiles(run, planPuts(paths), options));
    });
}

const EXAMPLES = `
Examples:
  koboldfs put motd.txt demo/motd          one file under a key
  koboldfs put *.jpg demo/photos/          several files, each under its name
  pg_dump shop | koboldfs put - demo/shop.sql`;

interface PlannedPut {
  readonly source: string;
  readonly namespace: string;
  readonly key: string;
}

function planPuts(paths: readonly string[]): PlannedPut[] {
  const target = paths.at(-1);
  const sources = paths.slice(0, -1);
  if (target === undefined || sources.length === 0) throw new UsageError("say which files, then NAMESPACE/KEY");
  const { namespace, key } = parsePrefixAddress(target);
  const isPrefix = key === "" || key.endsWith("/");
  if (!isPrefix && sources.length > 1)
    throw new UsageError("several files need NAMESPACE or NAMESPACE/PREFIX/ as target");
  return sources.map((source) => {
    if (source === "-" && (key === "" || sources.length > 1)) {
      throw new UsageError("standard input has no name to keep; it needs a NAMESPACE/KEY of its own");
    }
    if (!isPrefix || source === "-") return { source, namespace, key };
    return { source, namespace, key: key + basename(source) };
  });
}

async function putFiles(run: Run, puts: readonly PlannedPut[], options: PutCommandOptions): Promise<void> {
  const client = run.connect(puts[0]?.namespace ?? "", { deadlineMs: TRANSFER_DEADLINE_MS });
  for (const { source, namespace, key } of puts) {
    const bar = await ProgressBar.start(run.context, source);
    try {
      const reply = await client.put(key, source === "-" ? run.context.stdin : source, {
        signal: run.context.signal,
        onProgress: (bytes) => bar.update(bytes),
        ...(options.type !== undefined && { contentType: options.type }),
        ...(options.minCopies !== undefined && { minCopies: options.minCopies }),
      });
      bar.stop();
      const place = `${namespace}/${printable(key)}`;
      const copies = reply.copies < reply.wanted ? `, ${reply.copies} of ${reply.wanted} copies so far` : "";
      await run.output.result({ namespace, key, ...reply }, `${place}  ${formatSize(reply.size)}${copies}`);
    } finally {
      bar.stop();
    }
  }
}
