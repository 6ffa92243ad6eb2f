import { KoboldError } from "@koboldfs/protocol";

/** A key that is not there is a value. */
export async function absentAsUndefined<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (thrown) {
    if (thrown instanceof KoboldError && thrown.code === "not_found") return undefined;
    throw thrown;
  }
}
