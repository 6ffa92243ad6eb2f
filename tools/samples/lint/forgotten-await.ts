/** Planted: the linter must find this call without `await`, or its type-aware rules do not work. */
async function makeDurable(): Promise<void> {}

export async function acknowledge(): Promise<string> {
  makeDurable();
  return "stored";
}
