/** Whether the node of this name has everything that it owes, as another node of its cluster sees it. */
export async function isFilled(url: string, name: string): Promise<boolean> {
  const { nodes } = (await (await fetch(`${url}/v1/nodes`)).json()) as {
    nodes: { name: string; backfill: number; debtFiles: number }[];
  };
  const node = nodes.find((one) => one.name === name);
  return node?.backfill === 1 && node.debtFiles === 0;
}
