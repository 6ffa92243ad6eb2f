import { type ErrorCode, KoboldError } from "@koboldfs/protocol";

/** EX_CONFIG of sysexits.h: whoever supervises the server need not start it again before somebody changed something. */
const EXIT_CONFIG = 78;
const EXIT_FAILURE = 1;

/** Refusals that another start, with nothing changed, would meet again. */
const CONFIGURATION_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "config_invalid",
  "secret_required",
  "invalid_node_name",
  "node_name_taken",
  "node_dead",
  "peer_refused",
  "volume_refused",
  "catalog_not_durable",
  "catalog_schema_unknown",
]);

export function exitCodeOfStart(error: unknown): number {
  return error instanceof KoboldError && CONFIGURATION_CODES.has(error.code) ? EXIT_CONFIG : EXIT_FAILURE;
}
