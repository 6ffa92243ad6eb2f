import { type ErrorCode, KoboldError } from "@koboldfs/protocol";

/** A key that is not there is a value; so is what `also` says. */
export async function absentAsUndefined<T>(result: Promise<T>, also?: ErrorCode): Promise<T | undefined> {
  try {
    return await result;
  } catch (thrown) {
    if (thrown instanceof KoboldError && (thrown.code === "not_found" || thrown.code === also)) return undefined;
    throw thrown;
  }
}
