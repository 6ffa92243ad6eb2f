const STARS = "********";
/** From this length on, four characters give nothing away. */
const LONG_TOKEN = 16;

/** A token as it may be shown: enough to tell two apart, not enough to use. */
export function maskToken(token: string): string {
  return token.length < LONG_TOKEN ? STARS : STARS + token.slice(-4);
}
