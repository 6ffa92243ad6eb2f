import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { KnownHistory } from "../../model/commit-view.js";
import type { Logger } from "../../runtime/logger.js";
import type { Seat } from "./front-door.js";
import type { FromReader, ReaderSettings, ReaderState, ToReader } from "./reader-messages.js";

export interface ReaderChildOptions {
  readonly settings: ReaderSettings;
  readonly state: ReaderState;
  readonly known: () => KnownHistory | undefined;
  readonly onReady: () => void;
  /** So many requests it has answered since it was last told of. */
  readonly onAnswered: (requests: number) => void;
  /** It has ended; `how` says it in words. Called once. */
  readonly onEnd: (how: string) => void;
  readonly log: Logger;
}

/** One reader process, from its start to its end. */
export class ReaderChild implements Seat {
  readonly #options: ReaderChildOptions;
  readonly #child: ChildProcess;
  #isReady = false;
  #given = 0;
  #report = { closed: 0, answered: 0, handedOn: 0 };

  constructor(options: ReaderChildOptions) {
    this.#options = options;
    const script = fileURLToPath(new URL("./reader-process.js", import.meta.url));
    // What it writes by itself is Node's last word before it ends.
    this.#child = fork(script, [], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (message) => this.#hear(message as FromReader));
    let hasEnded = false;
    const end = (how: string) => {
      if (!hasEnded) options.onEnd(how);
      hasEnded = true;
      this.#isReady = false;
    };
    this.#child.once("exit", (code, signal) => end(signal ?? `code ${code}`));
    this.#child.once("error", (error) => end(error.message));
    const { settings, state } = options;
    this.#send({ kind: "start", settings, state });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get canServe(): boolean {
    return this.#isReady && this.#child.connected;
  }

  get connections(): number {
    return this.#given - this.#report.closed;
  }

  get answered(): number {
    return this.#report.answered;
  }

  get handedOn(): number {
    return this.#report.handedOn;
  }

  take(connection: Socket, head: Buffer): void {
    this.#given += 1;
    const message: ToReader = { kind: "connection", head: head.toString("base64") };
    this.#child.send(message, connection, (error) => {
      // It died in this moment; its client sees what it would have seen a moment later.
      if (error !== null) connection.destroy();
    });
  }

  setState(state: ReaderState): void {
    this.#send({ kind: "state", state });
  }

  /** It takes no new requests, and ends when those that run have their answers. */
  stop(): void {
    this.#isReady = false;
    this.#send({ kind: "stop" });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #hear(message: FromReader): void {
    const { known, log, onAnswered, onReady } = this.#options;
    switch (message.kind) {
      case "ready":
        this.#isReady = true;
        onReady();
        return;
      case "known": {
        const { question } = message;
        const answer = known();
        this.#send({ kind: "known", question, ...(answer !== undefined && { known: answer }) });
        return;
      }
      case "report":
        onAnswered(message.answered - this.#report.answered);
        this.#report = message;
        return;
      case "log":
        log[message.level]({ ...message.fields, process: this.pid }, message.message);
    }
  }

  #send(message: ToReader): void {
    // That it has ended is told by its end.
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}
