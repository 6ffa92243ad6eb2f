import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../../runtime/simulated-clock.js";
import { type DatabaseHost, HostChooser } from "./host-chooser.js";
import type { SqlConnection } from "./sql-connection.js";
import { ConnectionCut } from "./sql-failure.js";

const HOSTS = ["one", "two", "three"].map((host): DatabaseHost => ({ host, port: undefined }));

/** Database servers that accept writes, refuse them, or hang, as a test says. */
class Servers {
  readonly states = new Map<string, { accepts: boolean | "hangs"; promotions: number }>();
  readonly clock = new SimulatedClock();
  readonly chooser: HostChooser;
  readonly cut: string[] = [];
  opened = 0;

  constructor(hosts = HOSTS) {
    for (const { host } of HOSTS) this.set(host, false);
    this.chooser = new HostChooser({ hosts, open: ({ host }) => this.#open(host), clock: this.clock });
  }

  set(host: string, accepts: boolean | "hangs", promotions = 1): this {
    this.states.set(host, { accepts, promotions });
    return this;
  }

  async #open(host: string) {
    const state = this.states.get(host);
    this.opened += 1;
    if (state?.accepts === "hangs") await new Promise(() => {});
    if (state?.accepts !== true) throw new ConnectionCut(`${host} takes no writes`);
    let isUsable = true;
    const connection: SqlConnection = {
      get isUsable() {
        return isUsable;
      },
      run: async () => ({ rows: [{ host }] as never[], affected: 1 }),
      runAll: async () => [] as never,
      close: async () => {
        isUsable = false;
      },
      destroy: () => {
        isUsable = false;
        this.cut.push(host);
      },
    };
    return { connection, promotions: state.promotions };
  }

  async connect(): Promise<{ session: SqlConnection; host: string }> {
    const connecting = this.chooser.connect("read");
    // It may reject while the clock is moved, before anybody waits for it.
    connecting.catch(() => undefined);
    await this.clock.advance(5000);
    const session = await connecting;
    const [row] = (await session.run<{ host: string }>({ sql: "", parameters: [] })).rows;
    return { session, host: row?.host ?? "" };
  }

  /** As a catalog that is in use does. */
  async use(): Promise<void> {
    this.chooser.noteUse();
    await this.clock.advance(5000);
  }
}

describe("HostChooser", () => {
  it("takes the first host that accepts writes, and stays with it", async () => {
    const servers = new Servers().set("two", true).set("three", true);
    expect((await servers.connect()).host).toBe("two");
    expect((await servers.connect()).host).toBe("two");
  });

  it("does not wait for a host that hangs once another one accepts writes", async () => {
    const servers = new Servers().set("one", "hangs").set("three", true);
    expect((await servers.connect()).host).toBe("three");
  });

  it("takes the host that was promoted last when an old primary came back before it", async () => {
    const servers = new Servers().set("one", true, 1).set("two", true, 2);
    expect((await servers.connect()).host).toBe("two");
  });

  it("looks for another one as soon as its host fails", async () => {
    const servers = new Servers().set("one", true).set("two", true, 2).set("two", false);
    await servers.connect();
    servers.set("one", false).set("two", true, 2);
    expect((await servers.connect()).host).toBe("two");
  });

  it("gives up sessions with a host that is no longer the one: those that hang are cut", async () => {
    const servers = new Servers().set("one", true);
    const { session } = await servers.connect();
    servers.set("one", "hangs").set("two", true, 2);
    await servers.use();
    expect([session.isUsable, servers.cut]).toEqual([false, ["one"]]);
    expect((await servers.connect()).host).toBe("two");
  });

  it("lets end what runs with a host that still accepts writes, when an earlier one is back", async () => {
    const servers = new Servers().set("two", true);
    const { session } = await servers.connect();
    servers.set("one", true);
    await servers.use();
    expect([session.isUsable, servers.cut]).toEqual([false, []]);
    await session.run({ sql: "", parameters: [] });
    expect((await servers.connect()).host).toBe("one");
  });

  it("tells when another host takes over, before anybody has a session with it, and of nothing else", async () => {
    const servers = new Servers().set("one", true);
    const told: number[] = [];
    servers.chooser.watch(() => told.push(servers.opened));
    await servers.connect();
    // It was away for a moment, and is the same one.
    servers.set("one", false);
    await expect(servers.connect()).rejects.toThrow("takes no writes");
    servers.set("one", true);
    await servers.connect();
    await servers.use();
    expect(told).toEqual([]);
    servers.set("one", false).set("two", true, 2);
    const before = servers.opened;
    await servers.connect();
    // The old one was tried, all three were looked at, and only then a session was opened.
    expect([told, servers.opened]).toEqual([[before + 4], before + 5]);
  });

  it("rejects when no host accepts writes, and finds the first that does later", async () => {
    const servers = new Servers();
    await expect(servers.connect()).rejects.toThrow("takes no writes");
    servers.set("three", true);
    expect((await servers.connect()).host).toBe("three");
  });

  it("asks nobody else when the dsn has one host", async () => {
    const servers = new Servers(HOSTS.slice(0, 1)).set("one", true);
    await servers.connect();
    await servers.use();
    expect(servers.opened).toBe(1);
  });
});
