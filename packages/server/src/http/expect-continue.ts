import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { KoboldError } from "@koboldfs/protocol";
import { problemOf } from "./problem.js";
import { sendProblem } from "./send-problem.js";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Handles requests with `Expect: 100-continue` like others; the body is asked for by `askForBody`, or never. */
export function handleExpectations(server: Server, handler: Handler): void {
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    waiting.set(request, response);
    handler(request, response);
  });
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    const error = new KoboldError("expectation_failed", `cannot do what Expect: ${request.headers.expect} says`);
    sendProblem(request, response, problemOf(error));
  });
}

/** Tells a client that waits for it to send the body now. */
export function askForBody(request: IncomingMessage): void {
  waiting.get(request)?.writeContinue();
  waiting.delete(request);
}
