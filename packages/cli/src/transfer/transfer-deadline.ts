/** Transfers wait longer for a server than a person would for an answer: a node that restarts should not end them. */
export const TRANSFER_DEADLINE_MS = 30_000;
