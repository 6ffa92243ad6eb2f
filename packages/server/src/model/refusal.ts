import { type ErrorCode, KoboldError } from "@koboldfs/protocol";
import type { ChangeRefused } from "./change.js";

export function refuse(code: ErrorCode, message: string): ChangeRefused {
  return { ok: false, error: new KoboldError(code, message) };
}
