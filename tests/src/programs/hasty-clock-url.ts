/** For `Life.preload`: see hasty-clock.ts, which only a node shall load. */
export const HASTY_CLOCK = new URL("./hasty-clock.js", import.meta.url).href;
