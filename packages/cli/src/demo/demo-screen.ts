export interface DemoScreen {
  readonly nodes: readonly { readonly name: string; readonly url: string; readonly data: string }[];
  readonly catalog: string;
  readonly namespace: string;
  /** A file of this machine to try things with. */
  readonly sample: string;
  /** The server that the koboldfs command talks to when it is not told otherwise. */
  readonly defaultServer: string;
  /** What was not as it should be, one sentence each. */
  readonly notes: readonly string[];
}

/** What the demo says when the cluster is up: where it is, where the files are, and what to type next. */
export function renderDemoScreen(screen: DemoScreen): string {
  const { nodes, catalog, namespace, sample, notes } = screen;
  const [first, last] = [nodes[0], nodes.at(-1)];
  if (first === undefined || last === undefined) return "";
  const via = (url: string) => (url === screen.defaultServer ? "" : ` --server ${url}`);
  const file = `${namespace}/motd`;
  const lines = [
    "",
    `KoboldFS is running: ${nodes.length} node${nodes.length === 1 ? "" : "s"} on this machine, one process each.`,
    ...notes.map((note) => `Note: ${note}`),
    "",
    ...nodes.map(({ name, url, data }) => `  ${name}   ${url}   files under ${data}/blobs`),
    `  catalog   ${catalog}`,
    "",
    "Try this in another terminal:",
    "",
    `  npx koboldfs put ${sample} ${file}${via(first.url)}`,
    `  npx koboldfs get ${file} -${via(last.url)}`,
    `  npx koboldfs ls ${namespace}${via(first.url)}`,
    `  curl ${last.url}/v1/files/${file}`,
    "",
    "Ctrl-C stops the cluster; the next start finds the files again. The nodes' log follows.",
    "",
  ];
  return lines.join("\n");
}
