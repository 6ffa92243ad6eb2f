export function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === "ENOENT";
}

export function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
