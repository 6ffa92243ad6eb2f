/** Why something cannot run on this machine. Every skipped test carries one. */
export interface Skip {
  readonly skip: string;
}
