const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds for people, in the two largest units: `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return join([Math.floor(whole / MINUTE), "min"], [whole % MINUTE, "s"]);
  if (whole < DAY) return join([Math.floor(whole / HOUR), "h"], [Math.floor((whole % HOUR) / MINUTE), "min"]);
  return join([Math.floor(whole / DAY), "d"], [Math.floor((whole % DAY) / HOUR), "h"]);
}

type Amount = readonly [count: number, unit: string];

function join(large: Amount, small: Amount): string {
  return small[0] === 0 ? large.join(" ") : [...large, ...small].join(" ");
}
