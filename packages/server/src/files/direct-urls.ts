import { type FileKey, KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type { UrlSigner } from "../auth/url-signature.js";
import type { FileRecord } from "../model/change.js";
import { chooseServingNode, fileNameOf, formatDirectUrl, isPrivateTemplate } from "../model/direct-url.js";
import type { TransactionId } from "../model/transaction.js";
import type { FileContext } from "./file-context.js";
import type { FileService } from "./file-service.js";
import type { NamespaceViews } from "./namespace-views.js";

export interface DirectUrlRequest {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  /** How long a signed URL is good. */
  readonly ttlSeconds: number;
  /** Where the reader is; a node there is preferred. Absent: where this node is. */
  readonly zone?: string;
}

export interface DirectUrl {
  readonly url: string;
  /** Absent when the URL is not signed, and so good until its bytes are removed. */
  readonly expires?: Date;
  /** The prepared transaction that is about to change the key. */
  readonly heldBy?: TransactionId;
}

export interface DirectUrlsOptions {
  readonly context: FileContext;
  readonly files: Pick<FileService, "getFile">;
  readonly namespaces: NamespaceViews;
  readonly signer: UrlSigner;
  readonly random: () => number;
}

/** URLs straight to the bytes, at the web server of a node that has them. */
export class DirectUrls {
  readonly #options: DirectUrlsOptions;

  constructor(options: DirectUrlsOptions) {
    this.#options = options;
  }

  /** Throws `not_found`, `namespace_not_found`, and `no_direct_url` without a template or a node that has the bytes. */
  async find({ namespace, key, ttlSeconds, zone }: DirectUrlRequest): Promise<DirectUrl> {
    const { context, files, namespaces, signer, random } = this.#options;
    const file = await files.getFile(namespace, key);
    const { urlTemplate: template } = await namespaces.get(namespace);
    if (template === undefined) {
      throw new KoboldError("no_direct_url", `the namespace ${namespace} has no template for direct URLs`);
    }
    const candidates = await this.#listCandidates(file);
    const own = context.cluster.nodes().find((node) => node.id === context.cluster.self);
    const wanted = { version: file.version, zone: zone ?? own?.zone ?? "" };
    const node = chooseServingNode(candidates, wanted, random);
    if (node === undefined) throw new KoboldError("no_direct_url", `no node that serves has all of ${key} now`);
    const expires = Math.floor(context.clock.now() / 1000) + ttlSeconds;
    const name = { namespace, digest: file.digest, name: fileNameOf(key) };
    const sign = () => signer.sign(name, expires);
    const url = formatDirectUrl(template, { nodeUrl: node.url, namespace, digest: file.digest, key, sign });
    return {
      url,
      ...(isPrivateTemplate(template) && { expires: new Date(expires * 1000) }),
      ...(file.heldBy !== undefined && { heldBy: file.heldBy }),
    };
  }

  async #listCandidates(file: FileRecord) {
    const { catalog, cluster, reads } = this.#options.context;
    const nodes = cluster.nodes();
    // Nobody knows the debts while the catalog is away; most blobs are owed by no node.
    if (reads.isAway) return nodes.map((node) => ({ ...node, owes: false }));
    return Promise.all(
      nodes.map(async (node) => ({ ...node, owes: (await catalog.listOwedBy(node.id, [file])).length > 0 })),
    );
  }
}
