import { join } from "node:path";
import type { CallFault } from "../harness/call-faults.js";
import { blobPath } from "../harness/blobs-on-disk.js";
import { type Cluster, NAMESPACE } from "../harness/cluster.js";

/** More than a node makes in one life of these tests; they are numbered from 1. */
const TEMPORARY_FILES = 400;

/** Where a case's fault is, among what its puts touch. */
export interface IoGround {
  readonly cluster: Cluster;
  /** What is put while the fault lasts. */
  readonly digests: readonly string[];
}

/** What the victim does with its volumes: nothing, or takes one out, which comes back by itself or by a restart. */
export type VolumeOutcome = "kept" | "back by itself" | "out";

export interface IoCase {
  readonly what: string;
  readonly fault: (ground: IoGround) => CallFault;
  readonly volume: VolumeOutcome;
  /** A failed flush of a file is no success later on: nobody asks again before the file was written anew. */
  readonly isFlush?: true;
}

/** Every file in `incoming/` of the victim's volumes. */
function temporaries({ cluster }: IoGround): string[] {
  const names = Array.from({ length: TEMPORARY_FILES }, (_, index) => index.toString(36));
  return cluster.node("b").data.flatMap((volume) => names.map((name) => join(volume, "incoming", name)));
}

/** Both folders above each of the blobs. */
function folders({ cluster, digests }: IoGround): string[] {
  return cluster.node("b").data.flatMap((volume) =>
    digests.flatMap((digest) => {
      const path = blobPath(volume, NAMESPACE, digest);
      return [join(path, ".."), join(path, "..", "..")];
    }),
  );
}

function blobs({ cluster, digests }: IoGround): string[] {
  return cluster.node("b").data.flatMap((volume) => digests.map((digest) => blobPath(volume, NAMESPACE, digest)));
}

function catalog({ cluster }: IoGround): string[] {
  const path = cluster.dsn.slice("sqlite:".length);
  return [path, `${path}-wal`];
}

function mirror({ cluster }: IoGround): string[] {
  const path = join(cluster.node("b").data[0] ?? "", "mirror.sqlite");
  return [path, `${path}-wal`];
}

/** What fails, one after the other, on a node with two volumes that takes puts from clients and from its peer. */
export const IO_CASES: readonly IoCase[] = [
  {
    what: "one fsync of the catalog (EIO)",
    volume: "kept",
    isFlush: true,
    fault: (ground) => ({ calls: ["fsync"], errno: "EIO", when: "2", paths: catalog(ground), watched: ["pwrite64"] }),
  },
  {
    what: "many fsyncs of the catalog (EIO)",
    volume: "kept",
    isFlush: true,
    fault: (ground) => ({
      calls: ["fsync"],
      errno: "EIO",
      when: "2..9",
      paths: catalog(ground),
      watched: ["pwrite64"],
    }),
  },
  {
    what: "writes to the catalog (EIO)",
    volume: "kept",
    fault: (ground) => ({ calls: ["pwrite64"], errno: "EIO", when: "5+20", paths: catalog(ground) }),
  },
  {
    what: "reads of the catalog (EIO)",
    volume: "kept",
    fault: (ground) => ({ calls: ["pread64"], errno: "EIO", when: "3+5", paths: catalog(ground) }),
  },
  {
    what: "one fsync of the mirror (EIO)",
    volume: "kept",
    isFlush: true,
    fault: (ground) => ({ calls: ["fsync"], errno: "EIO", when: "2", paths: mirror(ground), watched: ["pwrite64"] }),
  },
  {
    what: "every fsync of the mirror (EIO)",
    volume: "kept",
    isFlush: true,
    fault: (ground) => ({ calls: ["fsync"], errno: "EIO", when: "1+", paths: mirror(ground), watched: ["pwrite64"] }),
  },
  {
    what: "writes to the mirror (ENOSPC)",
    volume: "kept",
    fault: (ground) => ({ calls: ["pwrite64"], errno: "ENOSPC", when: "5+10", paths: mirror(ground) }),
  },
  {
    what: "the making of a blob (EMFILE)",
    volume: "kept",
    fault: (ground) => ({ calls: ["openat"], errno: "EMFILE", when: "3", paths: temporaries(ground) }),
  },
  {
    what: "the making of a blob (EROFS)",
    volume: "back by itself",
    fault: (ground) => ({ calls: ["openat"], errno: "EROFS", when: "3", paths: temporaries(ground) }),
  },
  {
    what: "a write of a blob (EIO)",
    volume: "back by itself",
    fault: (ground) => ({ calls: ["write", "writev"], errno: "EIO", when: "3", paths: temporaries(ground) }),
  },
  {
    what: "the renaming of a blob (EIO)",
    volume: "back by itself",
    fault: (ground) => ({ calls: ["rename"], errno: "EIO", when: "3", paths: temporaries(ground) }),
  },
  {
    what: "the fsync of a blob's folder (EIO)",
    volume: "out",
    // Of each of the pool's many threads: the second call of one may never come.
    fault: (ground) => ({ calls: ["fsync"], errno: "EIO", when: "1", paths: folders(ground) }),
  },
  {
    what: "the fsync of a blob (EIO)",
    volume: "out",
    isFlush: true,
    fault: (ground) => ({
      ...{ calls: ["fdatasync"], errno: "EIO", when: "1", paths: temporaries(ground) },
      watched: ["write", "writev", "rename"],
    }),
  },
];

/** As IO_CASES, while the node answers gets of what was put before. */
export const READ_CASES: readonly Pick<IoCase, "what" | "fault">[] = [
  {
    what: "reads of a blob (EIO)",
    fault: (ground) => ({ calls: ["pread64"], errno: "EIO", when: "1+2", paths: blobs(ground) }),
  },
  {
    what: "the opening of a blob (EMFILE)",
    fault: (ground) => ({ calls: ["openat"], errno: "EMFILE", when: "1+2", paths: blobs(ground) }),
  },
  {
    what: "gets that read the catalog (EIO)",
    // Where requests read; those of the thread that commits are among IO_CASES.
    fault: (ground) => ({
      ...{ calls: ["pread64"], errno: "EIO", when: "2+5", paths: catalog(ground) },
      firstThread: true,
    }),
  },
];
