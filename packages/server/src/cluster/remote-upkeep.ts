import type { NodeUpkeep } from "@koboldfs/protocol";
import type { PeerUpkeep } from "./peer-upkeep.js";

/** An answer of the peer, as the way to it gives it. */
interface Answer {
  readonly statusCode: number;
}

/** What upkeep needs of the way to a peer's node face. */
export interface UpkeepTransport<Response extends Answer = Answer> {
  ask(
    request: { method: "GET" | "POST"; rawPath: string; headers: Readonly<Record<string, string>> },
    signal?: AbortSignal,
  ): Promise<Response>;
  readJson(response: Response): Promise<Readonly<Record<string, unknown>>>;
  refusal(response: Response): Promise<Error>;
  failure(cause: unknown): Error;
}

/** The upkeep of a peer, over its node face. */
export class RemoteUpkeep<Response extends Answer> implements PeerUpkeep {
  readonly #peer: UpkeepTransport<Response>;

  constructor(peer: UpkeepTransport<Response>) {
    this.#peer = peer;
  }

  async getUpkeep(signal?: AbortSignal): Promise<NodeUpkeep> {
    const reply = await this.#peer.ask({ method: "GET", rawPath: "/v1/node/upkeep", headers: {} }, signal);
    if (reply.statusCode !== 200) throw await this.#peer.refusal(reply);
    const upkeep = await this.#peer.readJson(reply);
    if (isUpkeep(upkeep)) return upkeep;
    throw this.#peer.failure(new Error("its answer does not say how its repair and its volumes are"));
  }

  async orderScrub({ repairs }: { readonly repairs: boolean }, signal?: AbortSignal): Promise<void> {
    const rawPath = `/v1/node/scrub?repairs=${repairs}`;
    const reply = await this.#peer.ask({ method: "POST", rawPath, headers: {} }, signal);
    if (reply.statusCode !== 200) throw await this.#peer.refusal(reply);
    await this.#peer.readJson(reply);
  }
}

function isUpkeep(value: object): value is NodeUpkeep {
  const { repair, volumes, scrub } = value as Partial<NodeUpkeep>;
  const hasPace = typeof repair?.filesPerSecond === "number" && typeof repair.bytesPerSecond === "number";
  return hasPace && Array.isArray(volumes) && typeof scrub?.proven === "number";
}
