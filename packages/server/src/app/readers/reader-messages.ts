import type { LogLevel } from "../../config/setting-values.js";
import type { NodeConfig } from "../../config/node-config.js";
import type { KnownHistory } from "../../model/commit-view.js";
import type { NodeBounds } from "../../model/process-shares.js";

/** What a reader process is made with. */
export interface ReaderSettings {
  readonly config: Pick<NodeConfig, "accel" | "corsOrigins" | "data" | "dsn" | "log">;
  /** What clients must send; absent when they need nothing. */
  readonly token?: string;
  readonly bounds: NodeBounds;
  /** Requests of each kind that it takes in at once, those among them that it hands on. */
  readonly maxRunning: number;
  /** The unix socket of the node process, alone in a folder of its own. */
  readonly socketPath: string;
}

/** What changes while it runs, and only the node process knows. */
export interface ReaderState {
  /** Strong reads are answered by the catalog now. */
  readonly isSure: boolean;
  /** Volumes that take part, by their place in the configuration. */
  readonly volumes: readonly number[];
}

/** From the node process to a reader. A connection comes with its handle, and with what was read of it. */
export type ToReader =
  | { readonly kind: "start"; readonly settings: ReaderSettings; readonly state: ReaderState }
  | { readonly kind: "state"; readonly state: ReaderState }
  | { readonly kind: "known"; readonly question: number; readonly known?: KnownHistory }
  | { readonly kind: "connection"; readonly head: string }
  | { readonly kind: "stop" };

/** From a reader to the node process. All counts are since its start. */
export type FromReader =
  | { readonly kind: "ready" }
  | { readonly kind: "known"; readonly question: number }
  | { readonly kind: "report"; readonly closed: number; readonly answered: number; readonly handedOn: number }
  | { readonly kind: "log"; readonly level: LogLevel; readonly fields: object; readonly message: string };
