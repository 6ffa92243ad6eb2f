import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { HEADER, KoboldError, type NodeId } from "@koboldfs/protocol";
import type { Clock } from "../runtime/clock.js";
import { ReplayWindow } from "./replay-window.js";

/** Clocks of nodes may differ by this much; it is also how long a request that was overheard stays dangerous. */
const MAX_SKEW_MS = 5 * 60 * 1000;

/**
 * Senders remembered at once. Each process of a node is one for as long as its requests are in time, at 8 KiB; nobody
 * without the secret can add one, so this is only reached when nodes restart hundreds of times in ten minutes.
 */
const MAX_SENDERS = 1024;

/** Headers that decide what a request does: whoever changes one breaks the signature. */
const SIGNED_HEADERS = [HEADER.blobDigest, "range"] as const;

export interface NodeRequest {
  readonly method: string;
  /** As it stands in the request line, query included. */
  readonly rawPath: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface NodeSignatureOptions {
  /** The cluster secret. */
  readonly secret: string;
  /** Signed too: a node of another cluster is refused even if the secrets are equal. */
  readonly cluster: string;
  readonly clock: Clock;
}

/** Signs the requests of one node. */
export class NodeSigner {
  readonly #options: NodeSignatureOptions & { readonly node: NodeId };
  /** Names this process: its requests are counted from 1 under it. */
  readonly #sender = randomBytes(8).toString("hex");
  #count = 0;

  constructor(options: NodeSignatureOptions & { readonly node: NodeId }) {
    this.#options = options;
  }

  /**
   * The value of `HEADER.nodeSignature`. Good for one request to the node `to`; a repeated one needs a new signature.
   */
  sign(request: NodeRequest, to: NodeId): string {
    this.#count += 1;
    const { node, clock } = this.#options;
    const claim = { node, to, sentAt: String(clock.now()), nonce: `${this.#sender}-${this.#count}` };
    return `v1 ${node} ${to} ${claim.sentAt} ${claim.nonce} ${hmacOf(this.#options, request, claim).toString("hex")}`;
  }
}

interface Claim {
  readonly node: string;
  readonly to: string;
  readonly sentAt: string;
  readonly nonce: string;
}

const HEADER_PATTERN = /^v1 ([0-9a-f]{16}) ([0-9a-f]{16}) (\d{1,15}) (([0-9a-f]{16})-(\d{1,15})) ([0-9a-f]{64})$/;

/**
 * Tells whether a request comes from a node of this cluster, and for the first time.
 *
 * The body is not covered: it is not known when the request begins. A blob's bytes are proven by its digest, which is
 * signed when announced and compared by the coordinator when not. Replays are refused by counting each sender's
 * requests; a restart forgets the counts, so for five minutes after one an overheard request could be sent again:
 * it would read bytes that were overheard as well, or store a blob that no file names.
 */
export class NodeVerifier {
  readonly #options: NodeSignatureOptions & { readonly self: NodeId };
  readonly #senders = new Map<string, { readonly window: ReplayWindow; lastSeen: number }>();

  constructor(options: NodeSignatureOptions & { readonly self: NodeId }) {
    this.#options = options;
  }

  /**
   * The node that signed. Throws `unauthorized`, and `peer_failed` when another node was meant: a URL that leads to the
   * wrong one (a proxy, an address that was given away) must not make one machine's copy count as two.
   */
  verify(request: NodeRequest): NodeId {
    const header = request.headers[HEADER.nodeSignature];
    const match = typeof header === "string" ? HEADER_PATTERN.exec(header) : null;
    if (match === null) throw refused("it is not signed with the cluster secret");
    const [, node = "", to = "", sentAt = "", nonce = "", sender = "", count = "", signature = ""] = match;
    const expected = hmacOf(this.#options, request, { node, to, sentAt, nonce });
    if (!timingSafeEqual(expected, Buffer.from(signature, "hex"))) {
      throw refused("its signature was not made with this cluster's secret");
    }
    const { self } = this.#options;
    if (to !== self) throw new KoboldError("peer_failed", `this is node ${self}; the request is for node ${to}`);
    const skewMs = Number(sentAt) - this.#options.clock.now();
    if (Math.abs(skewMs) > MAX_SKEW_MS) {
      const seconds = Math.round(Math.abs(skewMs) / 1000);
      const way = skewMs > 0 ? "ahead of" : "behind";
      throw refused(`its clock is ${seconds} s ${way} this node's; synchronize the clocks of all nodes (NTP)`);
    }
    if (!this.#windowOf(sender).accept(Number(count))) throw refused("it was sent before");
    return node as NodeId;
  }

  #windowOf(sender: string): ReplayWindow {
    const now = this.#options.clock.monotonic();
    const known = this.#senders.get(sender);
    if (known !== undefined) {
      known.lastSeen = now;
      return known.window;
    }
    if (this.#senders.size >= MAX_SENDERS) this.#forgetSilent(now);
    if (this.#senders.size >= MAX_SENDERS) throw new KoboldError("overloaded", "too many nodes have restarted lately");
    const window = new ReplayWindow();
    this.#senders.set(sender, { window, lastSeen: now });
    return window;
  }

  /** Senders whose last request is out of time by now, even if their clock was ahead: no replay of it can pass. */
  #forgetSilent(now: number): void {
    for (const [sender, { lastSeen }] of this.#senders) {
      if (now - lastSeen > 2 * MAX_SKEW_MS) this.#senders.delete(sender);
    }
  }
}

function hmacOf(options: NodeSignatureOptions, request: NodeRequest, claim: Claim): Buffer {
  const headers = SIGNED_HEADERS.map((name) => `${name}:${String(request.headers[name] ?? "")}`);
  const lines = [
    options.cluster,
    request.method,
    request.rawPath,
    claim.sentAt,
    claim.nonce,
    claim.node,
    claim.to,
    ...headers,
  ];
  return createHmac("sha256", options.secret).update(lines.join("\n")).digest();
}

function refused(why: string): KoboldError {
  return new KoboldError("unauthorized", `the request between nodes is refused: ${why}`);
}
