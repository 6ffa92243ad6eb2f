/** Whether every engine can keep the text: PostgreSQL takes no NUL, and a lone surrogate has no UTF-8. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && !/\p{Surrogate}/u.test(text);
}
