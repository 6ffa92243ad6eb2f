/** Ctrl-C, or SIGTERM: the reason of the command's signal. */
export class Interrupt extends Error {
  override readonly name = "Interrupt";

  constructor() {
    super("interrupted");
  }
}
