/** A test that shows what a row of the table says: a file of this repository, and words of the test's name. */
export interface FaultProof {
  readonly file: string;
  readonly says: string;
}

export interface FaultRow {
  readonly fault: string;
  readonly outcome: string;
  readonly proofs: readonly FaultProof[];
}

/** Rows that belong together, in the order of docs/reliability.md. */
export interface FaultSection {
  readonly title: string;
  readonly rows: readonly FaultRow[];
}

const inTests = (name: string, says: string): FaultProof => ({ file: `tests/src/${name}.test.ts`, says });
const inServer = (path: string, says: string): FaultProof => ({ file: `packages/server/src/${path}.ts`, says });

/** What is survived, and which test shows it. Whoever makes another fault harmless adds its row here. */
export const FAULT_SECTIONS: readonly FaultSection[] = [
  {
    title: "Processes",
    rows: [
      {
        fault: "A node dies at any of the named instants of put, commit, mirror, repair, backfill, reap, purge, upload",
        outcome:
          "Acknowledged files are on the other node at once and on both after its return; the rest happened entirely or not at all; no temporary file outlives the restart, no orphan its hour",
        proofs: [inTests("crash-points", "loses nothing"), inTests("crash-points", "outlives the reaper's hour")],
      },
      {
        fault: "A node dies while it makes or migrates the catalog, completes it from mirrors, or joins a fork",
        outcome: "The next start goes on from there",
        proofs: [
          inTests("crash-points", "starts the next time"),
          inTests("crash-points", "while histories are mended"),
        ],
      },
      {
        fault: "The node that a client talks to is killed at random instants",
        outcome: "As above; a repetition under the same idempotency key gets the first answer",
        proofs: [inTests("coordinator-death", "loses nothing that was acknowledged")],
      },
      {
        fault: "A reader process is killed, again and again, or the node process beside readers",
        outcome:
          "Connections of that process are reset, nothing acknowledged is lost, and another reader takes its place; readers end with their node process, whose port is free at once",
        proofs: [
          inTests("workers", "loses nothing when its readers are killed"),
          inTests("workers", "takes its readers with it when it is killed"),
        ],
      },
      {
        fault: "A peer is killed or stands still in the middle of a transfer",
        outcome: "The put succeeds with one copy less and says so; the debt is paid later",
        proofs: [
          inTests("peer-death", "the put succeeds with one copy"),
          inTests("mirrors", "holds puts up for a bounded time"),
        ],
      },
      {
        fault: "A node stands still (SIGSTOP), or loses its way to the catalog, while it holds the journal's lock",
        outcome:
          "PostgreSQL, MariaDB: the others write again within seconds, and what the node was about to commit is decided once. SQLite: the others answer 503 until it goes on or is killed",
        proofs: [
          inTests("frozen-holder", "holds nobody up for long"),
          inTests("frozen-holder", "holds the lock of its machine"),
          inServer("catalog/conformance/frozen-holder-conformance", "changes nothing when it goes on"),
        ],
      },
      {
        fault: "A node is killed, another one stands still, while transactions change the same keys",
        outcome:
          "The commits in the order of their numbers explain everything that anybody saw: nobody saw a part of one, no update under If-Match is lost, each transaction reads its own writes",
        proofs: [inTests("transaction-histories", "have an order that explains everything")],
      },
      {
        fault: "All nodes are killed at the same moment",
        outcome: "Everything acknowledged is there when they are back",
        proofs: [inTests("two-failures", "as when the power goes")],
      },
    ],
  },
  {
    title: "Disks",
    rows: [
      {
        fault: "Power is cut while clients write (ext4 shut down without flushing its journal)",
        outcome:
          "Every acknowledged file is there when the disk is mounted again. A node whose fsyncs do nothing fails this test",
        proofs: [
          inTests("power-cut", "has every acknowledged file when it is back"),
          inTests("power-cut", "this test sees it"),
          inServer("blobs/disk/disk-power-cut.test", "power"),
        ],
      },
      {
        fault: "Any one call of the file system fails (ENOSPC, EIO, EROFS, EMFILE), one after the other",
        outcome:
          "A clear error, nothing named, nothing left; a failed fsync takes the volume out and is not tried again",
        proofs: [
          inServer("blobs/disk/disk-faults.test", "meetFault"),
          inServer("blobs/disk/uploads/disk-upload-store.test", "failAt"),
        ],
      },
      {
        fault:
          "The kernel fails calls of a running node (EIO, EROFS, EMFILE, ENOSPC): fsync, write, rename, open and read of blobs; fsync, write and read of the SQLite catalog; fsync and write of the mirror",
        outcome:
          "No copy is counted that a failed call leaves in doubt, and nothing is flushed or named again before it was written anew; a volume goes out and comes back by itself, or after a failed fsync by a restart; afterwards everything is everywhere",
        proofs: [
          inTests("io-errors", "counts no copy that it may not have"),
          inTests("io-errors", "sends the right bytes or none"),
          inTests("io-errors", "owes nothing and leaves nothing behind"),
        ],
      },
      {
        fault: "The disk is full",
        outcome: "507, and the old version stays; puts through other nodes go on",
        proofs: [inTests("full-disk", "refuses a put with 507")],
      },
      {
        fault: "A volume is lost under a running node",
        outcome: "It is taken out alone, and its blobs are fetched again onto the others",
        proofs: [inTests("lost-volume", "a volume that is lost under a running node")],
      },
      {
        fault: "The first volume is lost, on which the mirror is too",
        outcome:
          "The node serves on from the others; without it no start makes a second mirror; 'node refill' brings the node back as itself",
        proofs: [inTests("lost-volume", "comes back by one command")],
      },
      {
        fault: "Bytes rot, are cut short or vanish",
        outcome:
          "Found by the scrub or by the next reader, repaired from a peer; the last bytes of a blob stay, however bad",
        proofs: [
          inTests("bit-rot", "repaired by a scrub"),
          inTests("bit-rot", "are kept when they are the last"),
          inTests("lost-blobs", "a read there gets good ones"),
        ],
      },
      {
        fault: "A machine is lost for ever",
        outcome: "Its replacement is refilled under the same name",
        proofs: [inTests("node-orders", "refills an emptied machine")],
      },
    ],
  },
  {
    title: "Network",
    rows: [
      {
        fault: "A partition of any shape: a node from the catalog, from its peers, all from all",
        outcome:
          "Reads go on from mirrors, marked; writes are refused where the catalog is out of reach; all histories are linearizable for each key",
        proofs: [inTests("network-faults", "loses nothing and tells no two stories")],
      },
      {
        fault: "Answers are lost after their requests arrived; connections break off in the middle",
        outcome: "Outcomes are decided in the database, not guessed",
        proofs: [
          inTests("network-faults", "no two stories are told"),
          inServer("catalog/conformance/cut-conformance", "cut"),
        ],
      },
      {
        fault: "Bytes are late, few, or swallowed",
        outcome: "A peer without progress is given up after two seconds",
        proofs: [inTests("peer-death", "because the network between them does")],
      },
    ],
  },
  {
    title: "Catalog",
    rows: [
      {
        fault: "The database is away",
        outcome:
          "Reads and listings go on from the mirrors, writes get 503 with Retry-After, and all returns by itself",
        proofs: [inTests("catalog-away", "reads go on marked")],
      },
      {
        fault: "The primary is lost and a standby promoted while transactions are open, prepared and committing",
        outcome:
          "What was prepared or committed is there; an open one commits whole, or is refused where an asynchronous standby lacks a part of it; no node tells, unmarked, of less than it knew before",
        proofs: [inTests("transaction-failover", "synchronous standby")],
      },
      {
        fault: "The written member of a Galera cluster is killed while transactions and coupled commits are under way",
        outcome:
          "All nodes go on through the next member; every transaction goes on from where it was; files and rows agree",
        proofs: [inTests("galera", "amid puts and transactions")],
      },
      {
        fault: "A killed member of a Galera cluster returns, also with an empty disk, while puts go on",
        outcome:
          "It gets all that it missed; nodes return to it when it is the first of the dsn, and go on through it when the written member is killed",
        proofs: [inTests("galera", "through a member that has returned")],
      },
      {
        fault: "All members of a Galera cluster die at once",
        outcome:
          "Puts get 503 until the members are started from the one that has committed most; then the nodes go on by themselves, with nothing to be mended",
        proofs: [inTests("galera", "when all its members have died at once")],
      },
      {
        fault: "A stale standby is promoted, an older copy comes back, two histories fork",
        outcome:
          "Completed from the longest mirror; both sides of a fork are kept and joined; a replaced catalog is refused",
        proofs: [
          inTests("failover", "is completed from the mirrors"),
          inTests("failover", "keeps both sides"),
          inTests("failover", "refused by its epoch"),
        ],
      },
      {
        fault:
          "Numbers are given out anew by a fork while webhooks and followers of /v1/changes are told of changes, the receiver is away, the node that delivers dies",
        outcome:
          "Nothing is passed over: each change of the joined history is told under its number, and what was told last of a key is its state; a place is noted only in the history that it is of",
        proofs: [
          inTests("forked-changes", "passes over no change"),
          inServer("workers/webhooks/webhook-worker.test", "numbers that a fork gives out anew"),
          inServer("workers/webhooks/webhook-worker.test", "when it met a node that failed to tell them more"),
        ],
      },
      {
        fault: "The database is lost",
        outcome: "Made again from mirrors and volumes, on any engine",
        proofs: [inTests("catalog-lost", "is made again in SQLite")],
      },
    ],
  },
  {
    title: "Commands of the operator",
    rows: [
      {
        fault: "'catalog move' or 'catalog rebuild' is killed at any of its named instants, and run again",
        outcome:
          "It goes on, or says that all is done; the old catalog is whole and written to until it is retired, and no second history begins",
        proofs: [inTests("recovery-kills", "until it is retired"), inTests("recovery-kills", "makes it only once")],
      },
      {
        fault: "One of two machines is gone with the database",
        outcome: "'catalog promote' makes the other one's mirror the catalog, in SQLite or PostgreSQL",
        proofs: [inTests("catalog-moved", "makes its mirror the catalog")],
      },
    ],
  },
  {
    title: "Two at once",
    rows: [
      {
        fault: "The machine that has the catalog and commits",
        outcome: "The other one's mirror and bytes have every file that was acknowledged with two copies",
        proofs: [inTests("two-failures", "have every acknowledged file")],
      },
      {
        fault: "A node with its disk while another one is brought up to date",
        outcome: "That one still gets every file",
        proofs: [inTests("two-failures", "still gets every file")],
      },
    ],
  },
  {
    title: "Transactions",
    rows: [
      {
        fault: "A node dies at any step of a transaction",
        outcome: "Another one goes on with it; prepared keys stay held until somebody decides",
        proofs: [
          inTests("transactions", "is finished through another one"),
          inTests("transactions", "is known to be prepared, holds its keys"),
        ],
      },
      {
        fault: "A node dies right before or after it prepares, commits, aborts or lets expire a transaction",
        outcome: "Its outcome is one and the same at every node, no key is held, nothing is left unfinished",
        proofs: [inTests("crash-points", "loses nothing")],
      },
      {
        fault:
          "An application dies at any step of a commit of files and rows; the database's answer is lost; its transaction is slow",
        outcome: "Both are there or neither, as soon as somebody recovers; what is only slow is let be",
        proofs: [
          inTests("application-databases", "are found again both or neither after a SIGKILL"),
          inTests("application-databases", "when the answer to the database's commit is lost"),
          inTests("application-databases", "are let be by a recovery while their transaction runs"),
        ],
      },
      {
        fault: "Application, node and database die alone or two at once, at every step of such commits",
        outcome: "Files and rows agree, nothing is left prepared, no key is held",
        proofs: [inTests("coupled-kills", "agree each time")],
      },
    ],
  },
  {
    title: "Chance",
    rows: [
      {
        fault: "Put, purge, reap, repair and join on the same blob take their steps in thousands of orders",
        outcome: "No blob that something refers to is lost",
        proofs: [inServer("workers/reap-interleavings.test", "loses no blob that something refers to")],
      },
      {
        fault: "Everything above that befalls processes and networks, mixed by a seed",
        outcome: "See the counts below",
        proofs: [{ file: "tests/src/soak/soak-round.ts", says: "accounted for" }],
      },
    ],
  },
];
