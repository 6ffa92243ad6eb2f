/** The command line makes no sense; the message says why in one sentence. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
