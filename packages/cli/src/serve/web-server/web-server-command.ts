import { parseNamespaceName } from "@koboldfs/protocol";
import { Argument, Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../../command-context.js";
import { type ConnectionOptions, withConnection, withRun } from "../../connection.js";
import { EXIT } from "../../exit-codes.js";
import { collectText } from "../../option-values.js";
import { formatApacheConfig } from "./apache-config.js";
import { formatCaddyConfig } from "./caddy-config.js";
import { checkWebServer, formatChecks } from "./check-web-server.js";
import { tellWarning } from "../../warnings.js";
import { formatNginxConfig } from "./nginx-config.js";
import { listWarnings, type WebServerPlan } from "./web-server-plan.js";

const FORMATS: Readonly<Record<string, (plan: WebServerPlan) => string>> = {
  nginx: formatNginxConfig,
  caddy: formatCaddyConfig,
  apache: formatApacheConfig,
};

interface WebServerOptions extends ConnectionOptions {
  readonly config?: string;
  readonly data?: readonly string[];
  readonly port: number;
  readonly public?: readonly string[];
  readonly check?: string;
}

const EXAMPLES = `
The web server takes everything on its port. Direct URLs (/direct/…) it answers from the disk, signed or, for the namespaces
named with --public, as they are; all else goes to the node. With 'accel = true' in the node's configuration the node only
says who may read what, and the web server sends the bytes. Caddy and Apache let the node check signed URLs.

Give namespaces a template that leads there, with {signature} for those that are not public:

  koboldfs namespace create photos --url-template 'http://{server}:8080/direct/{namespace}/{path}/{name}?{signature}'

Examples:
  koboldfs web-server nginx --config /etc/koboldfs.ini > /etc/nginx/conf.d/koboldfs.conf
  koboldfs web-server nginx --config /etc/koboldfs.ini --public site
  koboldfs web-server nginx --check http://10.0.0.1:8080`;

export function makeWebServerCommand(context: CommandContext): Command {
  return withConnection(new Command("web-server"))
    .description("print the configuration of a web server in front of a node, or check a running one")
    .addArgument(new Argument("<kind>", "which web server").choices(Object.keys(FORMATS)))
    .option("--config <FILE>", "the node's configuration file")
    .option("--data <DIR>", "a data directory of the node, where it has no file; may be repeated", collectText)
    .option("--port <PORT>", "where the web server listens", parsePort, 8080)
    .option("--public <NAMESPACE>", "its direct URLs are for everybody; may be repeated", collectNamespace)
    .option("--check <URL>", "check the web server that runs there instead: it puts a file, reads it, and removes it")
    .addHelpText("after", EXAMPLES)
    .action(async (kind: string, options: WebServerOptions) => {
      if (options.check !== undefined) return check(context, { ...options, server: options.check }, options.check);
      const { readWebServerFacts } = await import("@koboldfs/server/web-server-facts");
      const facts = await readWebServerFacts({ flags: flagsOf(options), env: context.env });
      const plan = { ...facts, port: options.port, publicNamespaces: options.public ?? [] };
      for (const message of listWarnings(plan)) {
        tellWarning(context, { code: "web_server_unready", message, hint: "It is said in the configuration too." });
      }
      context.stdout.write(FORMATS[kind]?.(plan) ?? "");
    });
}

async function check(context: CommandContext, options: WebServerOptions, url: string): Promise<void> {
  await withRun(context, options, async (run) => {
    const results = await checkWebServer(run, url);
    await run.output.result({ checks: results }, formatChecks(results));
    if (results.some(({ problem }) => problem !== undefined)) context.exitWith(EXIT.failure);
  });
}

function flagsOf({ config, data }: WebServerOptions) {
  return { ...(config !== undefined && { config }), ...(data !== undefined && { data: [...data] }) };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new InvalidArgumentError("It must be a port from 1 to 65535.");
  return port;
}

function collectNamespace(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, parseNamespaceName(text)];
}
