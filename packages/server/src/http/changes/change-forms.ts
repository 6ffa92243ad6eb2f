import type { ChangePosition } from "@koboldfs/protocol";
import { type NotedChange, toChangeInfo } from "../../model/noted-change.js";

/** How changes look on the wire. */
export interface ChangeForm {
  readonly contentType: string;
  /** Sent first. */
  readonly opening: string;
  change(change: NotedChange): string;
  position(position: ChangePosition): string;
}

/** One JSON document a line; the last one of an answer says where to go on. */
export const JSON_LINES: ChangeForm = {
  contentType: "application/x-ndjson",
  opening: "",
  change: (change) => `${JSON.stringify(toChangeInfo(change))}\n`,
  position: (position) => `${JSON.stringify(position)}\n`,
};

/**
 * Server-sent events (the HTML standard, section 9.2). Each carries the number to go on from as its id, which a browser
 * sends back as `Last-Event-ID`.
 */
export const SERVER_EVENTS: ChangeForm = {
  contentType: "text/event-stream",
  opening: "retry: 1000\n\n",
  change: (change) => formatEvent("change", change.number, toChangeInfo(change)),
  position: (position) => formatEvent("position", position.position, position),
};

function formatEvent(event: string, id: number, data: object): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}
