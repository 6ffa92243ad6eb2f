/** Whether this path asks for what the server's mirror has. */
export function isMirrorPath(path: string): boolean {
  return /[?&]consistency=mirror(?:&|$)/.test(path);
}
