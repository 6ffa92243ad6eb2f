import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandResult, runCommand, runOnTerminal } from "./testing/run-command.js";
import { TestNode } from "./testing/test-node.js";

const HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

let node: TestNode;
let cwd: string;

beforeAll(async () => {
  node = await TestNode.start();
  cwd = join(node.folder, "work");
  await mkdir(cwd);
  await writeFile(join(cwd, "motd"), "hello\n");
  await writeFile(join(cwd, "two"), "two\n");
});

afterAll(() => node.stop());

/** Runs `koboldfs` with arguments that are separated by blanks. */
function koboldfs(line: string, stdin?: string): Promise<CommandResult> {
  const env = { KOBOLDFS_SERVER: node.url };
  return runCommand(line.split(" "), { cwd, env, ...(stdin !== undefined && { stdin }) });
}

/** What differs from run to run, made the same. */
function steady(text: string): string {
  return (
    text
      .replaceAll(node.url, "http://127.0.0.1:PORT")
      .replaceAll(node.folder, "FOLDER")
      .replace(/\b[0-9a-f]{32}\b/g, "CLUSTER")
      .replace(/\b[0-9a-f]{16}\b/g, "NODE-ID")
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/g, "TIME")
      .replace(/ +[\d.]+ [GT]iB +[\d.]+ [GT]iB/g, " FREE OF")
      .replace(/FREE +OF/g, "FREE OF")
      // How far the scrub of its empty folders is by now.
      .replace(/"proven":[\d.]+(,"provenSince":"TIME")?/g, '"proven":0')
      .replace(/"(freeBytes|totalBytes|heartbeatAgeMs|version|head|number|lag)":\d+/g, '"$1":0')
  );
}

async function expectOutput(line: string, lines: readonly string[]): Promise<void> {
  const result = await koboldfs(line);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(steady(result.stdout).trimEnd().split("\n")).toEqual(lines);
}

/** The order of a document's members means nothing. */
async function expectDocuments(line: string, documents: readonly string[]): Promise<void> {
  const result = await koboldfs(line);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  const lines = steady(result.stdout).trimEnd().split("\n");
  expect(lines.map((text): unknown => JSON.parse(text))).toEqual(documents.map((text): unknown => JSON.parse(text)));
}

async function expectFailure(line: string, code: number, message: string | RegExp): Promise<void> {
  const result = await koboldfs(line);
  expect(result.code).toBe(code);
  expect(result.stdout).toBe("");
  expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(steady(result.stderr).trimEnd()).toMatch(message);
}

describe("the command, not on a terminal", () => {
  it("stores, lists and shows", async () => {
    await expectOutput("namespace create demo", [
      "NAMESPACE  FILES  SIZE  MIN COPIES  DIRECT URLS",
      "demo           0   0 B           1",
    ]);
    await expectOutput("put motd demo/etc/motd", ["demo/etc/motd  6 B, 1 of 2 copies so far"]);
    await expectOutput("put --jobs 1 motd two demo/both/", [
      "demo/both/motd  6 B, 1 of 2 copies so far",
      "demo/both/two  4 B, 1 of 2 copies so far",
    ]);
    await expectOutput("ls", ["NAMESPACE  FILES  SIZE  MIN COPIES  DIRECT URLS", "demo           3  16 B           1"]);
    await expectOutput("ls demo", ["both/", "etc/"]);
    await expectOutput("ls -l demo/both/", ["     6 B  TIME  both/motd", "     4 B  TIME  both/two"]);
    await expectOutput("ls -r demo", ["both/motd", "both/two", "etc/motd"]);
    await expectOutput("stat demo/etc/motd", [
      "file      demo/etc/motd",
      "size      6 B (6 bytes)",
      `digest    ${HELLO}`,
      expect.stringMatching(/^version {3}\d+$/),
      "type      application/octet-stream",
      "modified  TIME",
    ]);
    await koboldfs("rm -r --force demo/");
    await expectOutput("namespace delete demo", ["deleted demo"]);
  });

  it("fetches and deletes", async () => {
    await koboldfs("namespace create gone");
    await koboldfs("put motd two gone/both/");
    await expectOutput("get gone/both/motd -", ["hello"]);
    await expectOutput("get gone/both/motd copy", ["copy"]);
    expect(await readFile(join(cwd, "copy"), "utf8")).toBe("hello\n");
    await expectOutput("rm gone/both/two", ["deleted gone/both/two"]);
    await expectOutput("rm -f gone/both/two", ["gone/both/two was not there"]);
    await expectOutput("rm -r gone/both", ["deleted 1 file of gone/both"]);
    await expectOutput("namespace delete gone", ["deleted gone"]);
  });

  it("changes of a namespace's policy what is named, takes it away with none, and says what is full", async () => {
    await koboldfs("namespace create full --retention 7d --max-files 5");
    await expectOutput("namespace create full --max-bytes 8 --max-files 2", [
      "NAMESPACE  FILES  SIZE  MIN COPIES  QUOTA         DIRECT URLS",
      "full           0   0 B           1  2 files, 8 B",
    ]);
    await expectDocuments("namespace show full --json", [
      '{"name":"full","files":0,"bytes":"0","created":"TIME","minCopies":1,"retentionMs":604800000,"maxFiles":2,"maxBytes":8}',
    ]);
    await koboldfs("put motd full/a");
    await expectFailure("put motd full/b", 1, /namespace full would hold 12 bytes; it may hold 8 \(quota_exceeded\)/);
    await koboldfs("namespace create full --max-bytes none");
    await koboldfs("put motd full/b");
    await expectFailure("put motd full/c", 1, /would hold 3 files; it may hold 2 \(quota_exceeded\)/);
    const unread = await koboldfs("namespace create full --max-bytes many");
    expect([unread.code, unread.stderr]).toEqual([
      2,
      expect.stringMatching(/--max-bytes.*It must be a number of bytes/),
    ]);
    await koboldfs("rm -r --force full/");
    await koboldfs("namespace delete full");
  });

  it("prints one JSON document a line with --json", async () => {
    await expectDocuments("namespace create json --min-copies 1 --url-template http://{server}/{path} --json", [
      '{"name":"json","files":0,"bytes":"0","created":"TIME","minCopies":1,"urlTemplate":"http://{server}/{path}"}',
    ]);
    await expectDocuments("put motd json/a/motd --type text/plain --json", [
      `{"namespace":"json","key":"a/motd","digest":"${HELLO}","size":6,"version":0,"copies":1,"wanted":2}`,
    ]);
    const file = `"key":"a/motd","digest":"${HELLO}","size":6,"version":0,"contentType":"text/plain","metadata":{},"modified":"TIME"`;
    await expectDocuments("ls -r json --json", [`{${file}}`]);
    await expectDocuments("ls json --json", ['{"prefix":"a/"}']);
    await expectDocuments("stat json/a/motd --json", [`{"namespace":"json",${file}}`]);
    await expectDocuments("get json/a/motd out --json", ['{"namespace":"json","key":"a/motd","path":"out","size":6}']);
    await expectDocuments("rm json/a/motd --json", ['{"namespace":"json","key":"a/motd","deleted":true}']);
    await expectDocuments("namespace delete json --json", ['{"name":"json","deleted":true}']);
    const findings = '{"under-replicated":0,"missing":0,"corrupt":0,"orphaned":0,"misplaced":0}';
    const volume = '{"id":"NODE-ID","path":"FOLDER/volume","state":"good","freeBytes":0,"totalBytes":0}';
    const upkeep = `{"repair":{"filesPerSecond":0,"bytesPerSecond":0},"volumes":[${volume}],"scrub":{"proven":0,"findings":${findings}}}`;
    await expectDocuments("node list --json", [
      `{"id":"NODE-ID","name":"n1","url":"http://127.0.0.1:PORT","state":"alive","order":"alive","zone":"default","heartbeatAgeMs":0,"freeBytes":0,"totalBytes":0,"debtFiles":0,"debtBytes":"0","backfill":1,"mirror":{"number":0,"time":"TIME","lag":0},"upkeep":${upkeep}}`,
    ]);
    const status = await koboldfs("status --json");
    expect(JSON.parse(status.stdout)).toMatchObject({
      catalog: "sqlite",
      node: "n1",
      nodes: [{ name: "n1" }],
      namespaces: [],
    });
  });

  it("takes standard input and gives standard output, byte for byte", async () => {
    await koboldfs("namespace create pipes");
    const result = await koboldfs("put - pipes/in/put/", "\u0000bytes\r\n");
    expect(result.stdout).toBe("pipes/in/put/  8 B, 1 of 2 copies so far\n");
    expect((await koboldfs("get pipes/in/put/ -")).stdout).toBe("\u0000bytes\r\n");
  });

  it("fetches into the current folder, another folder or a file that is named", async () => {
    await koboldfs("namespace create places");
    await koboldfs("put motd places/a/b/deep");
    await mkdir(join(cwd, "folder"));
    await koboldfs("get places/a/b/deep");
    await koboldfs("get places/a/b/deep folder");
    expect(await readFile(join(cwd, "deep"), "utf8")).toBe("hello\n");
    expect(await readFile(join(cwd, "folder", "deep"), "utf8")).toBe("hello\n");
  });
});

describe("the command's failures", () => {
  it("are one line with what happened, a code and a hint, and an exit code that tells them apart", async () => {
    await koboldfs("namespace create bad");
    await expectFailure("get bad/none -", 3, /^koboldfs: there is no file bad\/none \(not_found\)\. There is no file/);
    await expectFailure("ls none", 3, /\(namespace_not_found\)\. Create it with 'koboldfs namespace create NAME'/);
    await expectFailure("rm bad/none", 3, /there is no file bad\/none \(not_found\)/);
    await expectFailure("get bad", 2, /a file is NAMESPACE\/KEY/);
    await expectFailure("ls No_Such!", 2, /\(invalid_namespace\)/);
    await expectFailure("rm -r bad", 2, /to delete everything in bad, write 'bad\/' \(usage\)/);
    await expectFailure("put motd two bad/one", 2, /several files need/);
    await expectFailure("put . bad/", 1, /cannot read "\.": it is a folder; 'koboldfs sync'.*\(source_unreadable\)/);
    await expectFailure("put none bad/", 1, /ENOENT.*\(source_unreadable\)/);
    await expectFailure("get bad/..", 2, /ends in no file name/);
    await expectFailure(
      "ls bad --server ftp://x",
      2,
      /"ftp:\/\/x" \(--server\) is no server's URL: its scheme is ftp:/,
    );
    await expectFailure(
      "ls bad --server 127.0.0.1:1",
      2,
      /is no server's URL: write http:\/\/127\.0\.0\.1:1 \(usage\)/,
    );
    await expectFailure("sync ./none bad", 1, /there is no folder ".\/none" \(source_unreadable\)/);
  });

  it("say wrong usage in two lines, the second with the way to help", async () => {
    for (const line of ["nonsense", "put", "put --min-copies none motd bad/motd", "ls --nonsense"]) {
      const result = await koboldfs(line);
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(/^koboldfs: .*\n.*See 'koboldfs help COMMAND'\.\n$/s);
    }
  });

  it("are JSON with --json", async () => {
    const result = await koboldfs("stat bad/none --json");
    expect(result).toMatchObject({ code: 3, stdout: "" });
    expect(JSON.parse(result.stderr)).toMatchObject({
      error: { code: "not_found", message: "there is no file bad/none" },
    });
  });

  it("leave the file alone that a failed fetch would have replaced", async () => {
    await mkdir(join(cwd, "kept"));
    await writeFile(join(cwd, "kept", "file"), "old");
    await expectFailure("get bad/none kept/file", 3, /not_found/);
    expect(await readdir(join(cwd, "kept"))).toEqual(["file"]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    "leave nothing half on a full disk (only root can mount a small one)",
    async () => {
      await writeFile(join(cwd, "large"), Buffer.alloc(3 * 1024 * 1024));
      await koboldfs("put large bad/large");
      const small = join(cwd, "small");
      await mkdir(small);
      const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", small]);
      expect(mount.stderr.toString()).toBe("");
      try {
        await writeFile(join(small, "file"), "old");
        await expectFailure("get bad/large small/file", 1, /ENOSPC.*\(target_unwritable\)\. Check the room/);
        const synced = await koboldfs("sync bad ./small");
        expect(synced.code).toBe(1);
        expect(synced.stderr).toMatch(/ENOSPC.*\(target_unwritable\)/);
        expect(await readFile(join(small, "file"), "utf8")).toBe("old");
        expect(await readdir(small)).toEqual(["file"]);
      } finally {
        spawnSync("umount", [small]);
      }
    },
  );

  it("say that no server answered, soon, and where it was looked for", async () => {
    const result = await runCommand(["ls", "demo", "--server", "http://127.0.0.1:1,http://127.0.0.1:2"]);
    expect(result).toMatchObject({ code: 4, stdout: "" });
    expect(result.stderr).toMatch(
      /127\.0\.0\.1:1.*127\.0\.0\.1:2.*\(server_unreachable\)\. No server answered; check --server/,
    );
  });

  it("name the missing token, and pass with it", async () => {
    const guarded = await TestNode.start({ KOBOLDFS_TOKEN: "right" });
    try {
      const refused = await runCommand(["ls", "--server", guarded.url], { env: { KOBOLDFS_TOKEN: "wrong" } });
      expect(refused.code).toBe(5);
      expect(refused.stderr).toMatch(/\(unauthorized\).*KOBOLDFS_TOKEN/);
      const passed = await runCommand(["ls", "--server", guarded.url], { env: { KOBOLDFS_TOKEN: "right" } });
      expect(passed.code).toBe(0);
    } finally {
      await guarded.stop();
    }
  });

  it("are none when the reader of the output has seen enough", async () => {
    await koboldfs("namespace create many");
    const line = `for i in $(seq 2000); do echo; done >lines; "$NODE" "$KOBOLDFS" put lines many/lines >/dev/null; "$NODE" "$KOBOLDFS" get many/lines - | head -c1 >/dev/null; echo "\${PIPESTATUS[0]}"`;
    const result = await runOnTerminal(`bash -c '${line}'`, 80, { cwd, env: { KOBOLDFS_SERVER: node.url } });
    expect(result.stdout.trim()).toBe("0");
  });
});

describe("the command on a terminal", () => {
  const onTerminal = (line: string, columns: number) =>
    runOnTerminal(line, columns, { cwd, env: { KOBOLDFS_SERVER: node.url, NO_COLOR: "1" } });

  it("shows whole lines on a wide one and cuts them on a narrow one, without colours where none are wanted", async () => {
    const wide = await onTerminal('"$NODE" "$KOBOLDFS" node list', 120);
    expect(steady(wide.stdout).replaceAll("\r", "").split("\n")).toEqual(
      ["NODE  STATE FREE OF  MISSING  URL", "n1    alive FREE OF  nothing  http://127.0.0.1:PORT", ""].map((line) =>
        expect.stringMatching(new RegExp(`^${line.replace(/ +/g, " +")}$`)),
      ),
    );
    const narrow = await onTerminal('"$NODE" "$KOBOLDFS" node list', 30);
    const lines = narrow.stdout.replaceAll("\r", "").trimEnd().split("\n");
    expect(lines[1]).toHaveLength(30);
    expect(lines[1]?.at(-1)).toBe("…");
  });

  it("shows progress only after a second, and only there", async () => {
    await koboldfs("namespace create slow");
    const slow = '(echo begin; sleep 5; echo end) | "$NODE" "$KOBOLDFS" put - slow/file';
    const shown = await onTerminal(slow, 100);
    expect(shown.stdout).toMatch(/-\s+6 B, \d+ B\/s/);
    expect(shown.stdout).toContain("slow/file  10 B");
    const quick = await onTerminal('"$NODE" "$KOBOLDFS" put motd slow/quick', 100);
    expect(quick.stdout).not.toContain("B/s");
    const piped = await onTerminal(`${slow} 2>&1 | cat`, 100);
    expect(piped.stdout).not.toContain("B/s");
  });
});
