const DEFAULT_HINT = "See 'koboldfs help COMMAND'.";

/** The command line, or a setting of the command, makes no sense; the message says why in one sentence. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** What to do about it, in one sentence. */
  readonly hint: string;

  constructor(message: string, hint = DEFAULT_HINT) {
    super(message);
    this.hint = hint;
  }
}
