import type { ErrorCode } from "@koboldfs/protocol";
import type { PlainOutcome } from "../../../model/change-outcome.js";
import type { CatalogWriter } from "../catalog-writer.js";

/** What the two threads of a SQLite catalog say to each other. */
export interface WriterSettings {
  readonly path: string;
  readonly allowUnsafe: boolean;
}

export type WriterMethod = Exclude<keyof CatalogWriter, "commitGroup">;

export interface WriterRequest {
  readonly id: number;
  readonly method: WriterMethod | "commitGroup";
  readonly parameters: readonly unknown[];
}

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
}

export type WriterMessage =
  | { readonly kind: "ready"; readonly clusterId: string }
  | { readonly kind: "refused"; readonly error: PlainError }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "outcomes"; readonly id: number; readonly outcomes: readonly PlainOutcome[] }
  /** The group of this call cannot be ended soon; others may begin. */
  | { readonly kind: "release"; readonly id: number }
  | { readonly kind: "failure"; readonly id: number; readonly error: PlainError }
  | {
      readonly kind: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: object;
      readonly message: string;
    };
