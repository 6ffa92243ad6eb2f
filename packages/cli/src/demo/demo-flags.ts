/** What the command line says about the demo. */
export interface DemoFlags {
  readonly dir: string;
  readonly nodes: number;
  /** The first node's; the others take those below it. */
  readonly port: number;
}
