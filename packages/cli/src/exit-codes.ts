import { type ErrorCode, KoboldError } from "@koboldfs/protocol";

/** What the command's exit code tells; shown by `koboldfs --help`. */
export const EXIT = {
  ok: 0,
  /** Something failed; standard error says what. */
  failure: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** No such file, namespace or node. */
  notFound: 3,
  /** No server answered in time. */
  unreachable: 4,
  /** The token is missing, wrong, or grants too little. */
  forbidden: 5,
  /** Ctrl-C; 128 and the number of SIGINT, as shells have it. */
  interrupted: 130,
  /** SIGTERM, in the same way. */
  terminated: 143,
} as const;

/** What each exit code means, for help and documents. */
export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.ok, "done"],
  [EXIT.failure, "failed; standard error says why, with a code and a hint"],
  [EXIT.usage, "the command line, or a setting of the command, makes no sense"],
  [EXIT.notFound, "no such file, namespace or node, or nothing matches"],
  [EXIT.unreachable, "no server answered in time"],
  [EXIT.forbidden, "the token is missing, wrong or grants too little"],
  [EXIT.interrupted, "interrupted by Ctrl-C; nothing half is left behind"],
  [EXIT.terminated, "ended by SIGTERM, in the same way"],
];

const EXIT_OF_CODE: Partial<Record<ErrorCode, number>> = {
  not_found: EXIT.notFound,
  namespace_not_found: EXIT.notFound,
  node_not_found: EXIT.notFound,
  webhook_not_found: EXIT.notFound,
  server_unreachable: EXIT.unreachable,
  deadline_exceeded: EXIT.unreachable,
  unauthorized: EXIT.forbidden,
  forbidden: EXIT.forbidden,
  invalid_key: EXIT.usage,
  invalid_namespace: EXIT.usage,
};

export function exitCodeOf(failure: unknown): number {
  return failure instanceof KoboldError ? (EXIT_OF_CODE[failure.code] ?? EXIT.failure) : EXIT.failure;
}
