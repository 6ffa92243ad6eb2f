import { KoboldError } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { parseFileAddress } from "../file-address.js";
import { noSuchFile } from "../files/select-files.js";
import { parseDuration, parseJobs } from "../option-values.js";
import { DEFAULT_JOBS, runMany } from "../transfer/run-many.js";

interface UrlOptions extends ConnectionOptions {
  readonly jobs: number;
  /** Milliseconds. */
  readonly ttl?: number;
  readonly zone?: string;
}

const EXAMPLES = `
A direct URL names bytes, not a key: it goes on to mean them when the key is overwritten or deleted, until they are
removed from the disk. One that is signed (the template has a {signature}) is good for an hour, or for --ttl.

Examples:
  koboldfs url photos/cat.jpg
  curl -O "$(koboldfs url photos/cat.jpg)"
  koboldfs namespace create site --url-template 'http://{server}:8080/direct/{namespace}/{path}/{name}'
  koboldfs namespace create photos --url-template 'http://{server}:8080/direct/{namespace}/{path}/{name}?{signature}'
  koboldfs namespace create drafts --url-template '{url}/direct/{namespace}/{path}/{name}?{signature}'`;

export function makeUrlCommand(context: CommandContext): Command {
  return withConnection(new Command("url"))
    .description("print direct URLs of files at the web server of a node that has them")
    .argument("<file...>", "NAMESPACE/KEY")
    .option("--ttl <TIME>", "how long signed URLs are good, such as 30s, 15m, 24h; up to 31d", parseDuration)
    .option("--zone <NAME>", "where the reader is: a node of that zone is preferred")
    .option("-j, --jobs <N>", "files asked for at once", parseJobs, DEFAULT_JOBS)
    .addHelpText("after", EXAMPLES)
    .action(async (files: string[], options: UrlOptions) => {
      const addresses = files.map(parseFileAddress);
      await withRun(context, options, (run) =>
        addresses.length === 1 && addresses[0] !== undefined
          ? printUrl(run, addresses[0], options)
          : runMany(run, { items: addresses, jobs: options.jobs }, (address) => printUrl(run, address, options)),
      );
    });
}

async function printUrl(
  run: Run,
  { namespace, key }: { namespace: string; key: string },
  { ttl, zone }: UrlOptions,
): Promise<void> {
  const { signal } = run.context;
  const client = run.connect(namespace);
  const url = await client.getUrl(key, {
    signal,
    ...(ttl !== undefined && { ttlSeconds: ttl / 1000 }),
    ...(zone !== undefined && { zone }),
  });
  if (url === undefined) throw await explainAbsence(run, namespace, key);
  await run.output.result({ namespace, key, url }, url);
}

async function explainAbsence(run: Run, namespace: string, key: string): Promise<KoboldError> {
  const client = run.connect(namespace);
  const { signal } = run.context;
  const { urlTemplate } = await client.getNamespace({ signal });
  if (urlTemplate === undefined) {
    return new KoboldError("no_direct_url", `the namespace ${namespace} has no template for direct URLs`);
  }
  if ((await client.stat(key, { signal })) === undefined) return noSuchFile(namespace, key);
  return new KoboldError("no_direct_url", "no node that serves has all of it now");
}
