/** What every error code means to HTTP and to whoever meets it. Codes are stable: scripts and clients match on them. */
export interface ErrorRule {
  readonly status: number;
  /** Whether the same request, sent again a little later, may succeed. */
  readonly retryable: boolean;
  /** What to do about it, in one sentence. */
  readonly hint: string;
}

export const ERROR_TABLE = {
  invalid_request: { status: 400, retryable: false, hint: "Compare the request with /openapi.json." },
  invalid_key: {
    status: 400,
    retryable: false,
    hint: "A key is 1 to 1,024 bytes of UTF-8 without NUL, percent-encoded in the URL.",
  },
  invalid_namespace: {
    status: 400,
    retryable: false,
    hint: "A namespace name is 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning and ending with a letter or digit.",
  },
  invalid_node_name: {
    status: 400,
    retryable: false,
    hint: "A node name is 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning and ending with a letter or digit.",
  },
  invalid_digest: { status: 400, retryable: false, hint: "A digest is the SHA-256 of the bytes in 64 hex digits." },
  invalid_metadata: {
    status: 400,
    retryable: false,
    hint: "User metadata are Koboldfs-Meta-NAME headers, at most 8 KiB in all.",
  },
  body_too_short: {
    status: 400,
    retryable: true,
    hint: "The connection ended before the announced length; send the file again.",
  },
  body_too_long: { status: 400, retryable: false, hint: "The body was longer than announced." },
  digest_mismatch: {
    status: 400,
    retryable: true,
    hint: "The bytes that arrived are not those that were announced; send the file again.",
  },
  unauthorized: {
    status: 401,
    retryable: false,
    hint: "Send 'Authorization: Bearer TOKEN'; for the command, set KOBOLDFS_TOKEN.",
  },
  forbidden: { status: 403, retryable: false, hint: "These credentials do not grant this." },
  not_found: {
    status: 404,
    retryable: false,
    hint: "There is no file with this key; list the namespace to see what is.",
  },
  namespace_not_found: {
    status: 404,
    retryable: false,
    hint: "Create it with 'koboldfs namespace create NAME' or PUT /v1/namespaces/NAME.",
  },
  node_not_found: { status: 404, retryable: false, hint: "See 'koboldfs node list'." },
  route_not_found: { status: 404, retryable: false, hint: "See /openapi.json for what this server answers." },
  method_not_allowed: { status: 405, retryable: false, hint: "See /openapi.json for what this server answers." },
  version_not_found: {
    status: 404,
    retryable: false,
    hint: "There is no such version of this key, or it is gone; see 'koboldfs versions NAMESPACE/KEY'.",
  },
  not_deleted: {
    status: 409,
    retryable: false,
    hint: "The file is there; to bring back an older version restore it by its number.",
  },
  history_gone: {
    status: 410,
    retryable: false,
    hint: "The namespace's retention has passed since; 'koboldfs namespace create --retention' keeps more from now on.",
  },
  webhook_not_found: { status: 404, retryable: false, hint: "'koboldfs webhook list' shows which there are." },
  too_many_webhooks: { status: 409, retryable: false, hint: "Remove one with 'koboldfs webhook remove'." },
  changes_gone: {
    status: 410,
    retryable: false,
    hint: "List the files as of the number that the detail names ('?as-of=N'), then follow the changes after it.",
  },
  namespace_not_empty: { status: 409, retryable: false, hint: "Delete the files of the namespace first." },
  idempotency_key_reused: {
    status: 422,
    retryable: false,
    hint: "An Idempotency-Key belongs to one request; use a new one for another request.",
  },
  precondition_failed: {
    status: 412,
    retryable: false,
    hint: "The file is not in the state that If-Match or If-None-Match demanded; read it again.",
  },
  key_locked: {
    status: 409,
    retryable: true,
    hint: "A prepared transaction holds this key until it is committed or aborted; try again soon, or see 'koboldfs transaction list'.",
  },
  transaction_conflict: {
    status: 409,
    retryable: false,
    hint: "The key changed since the transaction saw it; nothing was committed. Abort it, read again and begin a new one.",
  },
  transaction_not_found: {
    status: 404,
    retryable: false,
    hint: "It never was, or ended more than 30 days ago; what a transaction that is not known had staged was not committed by it.",
  },
  transaction_not_yours: {
    status: 403,
    retryable: false,
    hint: "It was begun with another token; an operator can end it with 'koboldfs transaction commit|abort --force'.",
  },
  transaction_finished: { status: 409, retryable: false, hint: "It ended: see 'koboldfs transaction show ID'." },
  transaction_prepared: {
    status: 409,
    retryable: false,
    hint: "A prepared transaction takes no more changes; commit or abort it.",
  },
  transaction_expired: {
    status: 410,
    retryable: false,
    hint: "Nothing came of it within its time to live, so it was aborted; begin a new one, with a longer ttlMs if it needs that.",
  },
  transaction_too_large: {
    status: 413,
    retryable: false,
    hint: "A transaction takes 10,000 changes and transaction_max_bytes; commit what belongs together and begin another.",
  },
  staging_full: {
    status: 503,
    retryable: true,
    hint: "The unfinished transactions of this namespace hold staged_max_bytes; commit or abort some, see 'koboldfs transaction list'.",
  },
  too_many_transactions: {
    status: 503,
    retryable: true,
    hint: "1,000 transactions are unfinished; commit or abort some, see 'koboldfs transaction list'.",
  },
  range_not_satisfiable: { status: 416, retryable: false, hint: "The range lies outside the file." },
  request_timeout: { status: 408, retryable: true, hint: "The request came too slowly; send it again." },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    hint: "Send files with a valid Content-Type and without Content-Encoding, and everything else as application/json.",
  },
  expectation_failed: { status: 417, retryable: false, hint: "The only known expectation is 100-continue." },
  headers_too_large: { status: 431, retryable: false, hint: "URL and headers together may have 16 KiB." },
  too_large: { status: 413, retryable: false, hint: "The request is larger than this server takes." },
  upload_not_found: {
    status: 404,
    retryable: false,
    hint: "It was ended, never was, or is another node's: begin a new upload.",
  },
  upload_expired: { status: 410, retryable: false, hint: "The server's upload_ttl is over; begin a new upload." },
  upload_offset_mismatch: { status: 409, retryable: false, hint: "Ask for the upload's offset with HEAD, then go on." },
  upload_locked: {
    status: 423,
    retryable: true,
    hint: "Another request sends this upload; ask for the offset with HEAD, and go on there.",
  },
  checksum_mismatch: {
    status: 460,
    retryable: true,
    hint: "The piece that arrived is not the one that Upload-Checksum announced; send it again.",
  },
  too_many_uploads: {
    status: 503,
    retryable: true,
    hint: "This node keeps as many unfinished uploads as it takes; finish or end some, or use another node.",
  },
  tus_version_unsupported: {
    status: 412,
    retryable: false,
    hint: "Uploads speak tus 1.0.0: send Tus-Resumable: 1.0.0 with every request.",
  },
  internal: {
    status: 500,
    retryable: false,
    hint: "This is a defect; the server's log has the details under this instance id.",
  },
  blob_unavailable: {
    status: 503,
    retryable: true,
    hint: "No node that can be reached has good bytes of this file right now; see 'koboldfs status'.",
  },
  blob_corrupt: {
    status: 503,
    retryable: true,
    hint: "The stored bytes do not match their digest; a good copy is being fetched.",
  },
  catalog_unavailable: {
    status: 503,
    retryable: true,
    hint: "The SQL database does not answer; see the server's log and its dsn setting.",
  },
  catalog_behind: {
    status: 503,
    retryable: true,
    hint: "The catalog lacks commits that this node knows of (an older copy was restored or promoted); nothing is written until it is completed from the mirrors.",
  },
  catalog_outdated: {
    status: 503,
    retryable: true,
    hint: "This catalog was replaced by another one; point dsn at that, or see 'After a failover' in docs/operating.md.",
  },
  catalog_unfinished: {
    status: 503,
    retryable: true,
    hint: "This catalog is being made from mirrors; when nothing runs that makes it, run the same 'koboldfs catalog' command again, it goes on.",
  },
  catalog_retired: {
    status: 503,
    retryable: true,
    hint: "This catalog was moved by 'koboldfs catalog move'; restart this node with the new dsn.",
  },
  catalog_not_empty: {
    status: 409,
    retryable: false,
    hint: "Give another --dsn, with an empty database; --replace throws away what is in this one.",
  },
  rebuild_refused: {
    status: 409,
    retryable: false,
    hint: "Nothing was made; see 'When the database is lost' in docs/operating.md.",
  },
  history_forked: {
    status: 503,
    retryable: true,
    hint: "Catalog and mirror went on differently after a failover; both sides are kept and joined, see 'koboldfs status'.",
  },
  unknown_as_of: {
    status: 503,
    retryable: true,
    hint: "The catalog does not answer, and this node's mirror does not know whether there is such a file by now.",
  },
  mirror_behind: {
    status: 503,
    retryable: true,
    hint: "This node's mirror of the journal is not that far yet; it catches up by itself.",
  },
  mirror_refused: {
    status: 500,
    retryable: false,
    hint: "The mirror.sqlite in the first data directory belongs to another cluster or is damaged; move it away and it is made anew.",
  },
  commit_contended: {
    status: 503,
    retryable: true,
    hint: "The catalog was too busy to commit this in time; try again.",
  },
  too_few_copies: {
    status: 503,
    retryable: true,
    hint: "Fewer nodes than min_copies could store the file; see 'koboldfs node list'.",
  },
  peer_failed: { status: 503, retryable: true, hint: "Another node of the cluster failed; see 'koboldfs node list'." },
  peer_refused: {
    status: 503,
    retryable: false,
    hint: "Give every node the same KOBOLDFS_CLUSTER_SECRET, and synchronize their clocks.",
  },
  placement_expired: {
    status: 503,
    retryable: true,
    hint: "The bytes were placed too long before they could be named; send the file again.",
  },
  shutting_down: { status: 503, retryable: true, hint: "This node is stopping; use another one." },
  starting: { status: 503, retryable: true, hint: "This node is starting; use another one, or wait a moment." },
  overloaded: { status: 503, retryable: true, hint: "Too many requests are waiting; try again a little later." },
  quota_exceeded: {
    status: 507,
    retryable: false,
    hint: "The namespace is full: delete files, or raise its quota with 'koboldfs namespace create NAME --max-bytes SIZE --max-files N'.",
  },
  disk_full: {
    status: 507,
    retryable: false,
    hint: "The volumes of this node have no room left; add a volume or delete files.",
  },
  disk_failed: { status: 503, retryable: true, hint: "A volume of this node failed; see the server's log." },
  config_invalid: { status: 500, retryable: false, hint: "See 'koboldfs serve --help' for the settings." },
  secret_required: {
    status: 500,
    retryable: false,
    hint: "Set KOBOLDFS_CLUSTER_SECRET (the same on every node) before listening beyond loopback.",
  },
  volume_refused: {
    status: 500,
    retryable: false,
    hint: "Check that the right disk is mounted at the data directory; if it is lost, say 'koboldfs node refill NAME'.",
  },
  volume_in_use: { status: 500, retryable: false, hint: "Another server runs on this data directory; stop it first." },
  node_name_taken: {
    status: 409,
    retryable: false,
    hint: "Choose another --name, or give this node its old --data; if its disks are lost, say 'koboldfs node refill NAME'.",
  },
  listen_failed: {
    status: 500,
    retryable: false,
    hint: "Another program may use this port already; choose another --listen.",
  },
  node_dead: {
    status: 409,
    retryable: false,
    hint: "A node that was declared dead may not return, nor may its web server go on: start with empty data directories.",
  },
  last_holder: {
    status: 409,
    retryable: false,
    hint: "Another node must hold the files first: start one, or bring one back with 'koboldfs node revive NAME'.",
  },
  sole_copies: {
    status: 409,
    retryable: false,
    hint: "Files would be lost with this node; drain it first, or say 'koboldfs node forget NAME --force'.",
  },
  node_running: {
    status: 409,
    retryable: true,
    hint: "Stop the node and wait until 'koboldfs node list' shows it as down.",
  },
  catalog_not_durable: {
    status: 500,
    retryable: false,
    hint: "The database may lose commits that it acknowledged; change its setting, or start with allow_unsafe_catalog.",
  },
  catalog_schema_unknown: {
    status: 500,
    retryable: false,
    hint: "The catalog was written by a newer KoboldFS; upgrade this node.",
  },
  // Seen only at the client.
  server_unreachable: {
    status: 503,
    retryable: true,
    hint: "No server answered; check --server or KOBOLDFS_SERVER, and that 'koboldfs serve' runs there.",
  },
  transaction_in_doubt: {
    status: 503,
    retryable: false,
    hint: "The answer to its commit was lost and nobody could be asked: 'koboldfs transaction show ID' tells it later, and to commit it again does no harm.",
  },
  deadline_exceeded: {
    status: 504,
    retryable: true,
    hint: "The servers were too slow or too busy; see 'koboldfs status'.",
  },
  invalid_response: {
    status: 502,
    retryable: false,
    hint: "What answered is no KoboldFS server of this version; check the address and any proxy on the way.",
  },
  source_unreadable: { status: 400, retryable: false, hint: "Check that the path is a file that you may read." },
  source_changed: {
    status: 400,
    retryable: true,
    hint: "The file changed while it was read; send it again when it is at rest.",
  },
  source_consumed: {
    status: 400,
    retryable: false,
    hint: "A stream can be sent only once; give a path, bytes or a function that opens a new stream.",
  },
  source_empty: {
    status: 400,
    retryable: false,
    hint: "Look whether the disk is mounted and the name is right; to empty the target, delete there what should go.",
  },
  url_forged: { status: 403, retryable: false, hint: "Ask for a new URL; all nodes need the same url_keys." },
  url_expired: { status: 410, retryable: false, hint: "Ask for a new URL: 'koboldfs url NAMESPACE/KEY'." },
  no_direct_url: {
    status: 404,
    retryable: false,
    hint: "Give the namespace a template: 'koboldfs namespace create NAME --url-template TEMPLATE'.",
  },
  target_unwritable: { status: 500, retryable: false, hint: "Check the room, the rights and the name of the target." },
  unsafe_key: {
    status: 400,
    retryable: false,
    hint: "This key is no safe file name here; get it alone into a file that you name.",
  },
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERROR_TABLE;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_TABLE, text);
}
