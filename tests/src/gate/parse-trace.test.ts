import { expect, it } from "vitest";
import { parseTrace } from "./parse-trace.js";

const FOLDER = "/tmp/cluster";

/** What it is called and how often; times are those of the lines. */
function parse(...lines: string[]): (string | number)[][] {
  return parseTrace(lines.map((line, index) => `7 100.00000${index} ${line}`).join("\n"), FOLDER).map(
    ({ atMs, what, amount }) => [Math.round((atMs - 100_000) * 1000), what, amount],
  );
}

it("tells calls for files, databases and sockets apart", () => {
  expect(
    parse(
      'openat(AT_FDCWD</tmp/cluster/a>, "/tmp/cluster/a/data/incoming/1", O_WRONLY|O_CREAT, 0666) = 24</tmp/cluster/a/data/incoming/1>',
      "fdatasync(24</tmp/cluster/a/data/incoming/1>) = 0",
      'rename("/tmp/cluster/a/data/incoming/1", "/tmp/cluster/a/data/blobs/x") = 0',
      "fsync(21</tmp/cluster/catalog.sqlite-wal>) = 0",
      'pread64(24</tmp/cluster/a/data/blobs/x>, ""..., 4096, 0) = 4096',
      'writev(25<socket:[123]>, [{iov_base=""..., iov_len=9}], 1) = 9',
      'statx(24</tmp/cluster/a/data/blobs/x>, "", AT_EMPTY_PATH, STATX_ALL, {...}) = 0',
    ).map(([, what]) => what),
  ).toEqual([
    ...["file opens", "file flushes", "file folder changes", "database flushes"],
    ...["file reads", "socket writes", "file stats"],
  ]);
});

it("counts an interrupted call once, when it began", () => {
  expect(parse("fsync(24</tmp/cluster/a/x> <unfinished ...>", "<... fsync resumed>) = 0")).toEqual([
    [0, "file flushes", 1],
  ]);
});

it("hears what the probe says", () => {
  const missing = "F_OK) = -1 ENOENT (No such file or directory)";
  expect(
    parse(`access("/koboldfs-probe/query", ${missing}`, `access("/koboldfs-probe/heap/12345", ${missing}`),
  ).toEqual([
    [0, "queries", 1],
    [1, "heap", 12_345],
  ]);
});

it("leaves out other files, what SQLite reads, and what threads say to each other", () => {
  expect(
    parse(
      'openat(AT_FDCWD</tmp/cluster/a>, "/etc/localtime", O_RDONLY) = 24</etc/localtime>',
      'pread64(20</tmp/cluster/catalog.sqlite>, ""..., 4096, 0) = 4096',
      'write(17<anon_inode:[eventfd]>, ""..., 8) = 8',
      "+++ exited with 0 +++",
    ),
  ).toEqual([]);
});
