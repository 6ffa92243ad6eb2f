import { type Browser, chromium, type Page } from "playwright-core";
import type * as pageScript from "./page-script.js";

type Script = typeof pageScript;

/** What a test does to the page from outside while its script runs. */
export interface PageHooks {
  cutWire?(): void;
}

/** A page in a real browser, with the functions of `page-script` in it. */
export class BrowserPage {
  readonly #browser: Browser;
  readonly #page: Page;
  hooks: PageHooks = {};

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  /** `program` is the path of a Chromium. */
  static async open(program: string, url: string): Promise<BrowserPage> {
    // Without its sandbox, because CI is root in a container; it loads nothing but this checkout's page.
    const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
    const page = await browser.newPage();
    const opened = new BrowserPage(browser, page);
    await page.exposeFunction("cutWire", () => opened.hooks.cutWire?.());
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => complaints.push(message.text()));
    await page.goto(url);
    await page.waitForFunction("globalThis.script !== undefined").catch((cause: unknown) => {
      throw new Error(`the page's script did not load:\n${complaints.join("\n")}`, { cause });
    });
    return opened;
  }

  /** Chooses a file of this machine in the page's form. */
  async choose(path: string): Promise<void> {
    await this.#page.setInputFiles("input", path);
  }

  /** Calls a function of the page's script there, and answers what it answered. */
  async call<N extends keyof Script>(name: N, ...args: Parameters<Script[N]>): Promise<Awaited<ReturnType<Script[N]>>> {
    const call = `globalThis.script[${JSON.stringify(name)}](...${JSON.stringify(args)})`;
    return (await this.#page.evaluate(call)) as Awaited<ReturnType<Script[N]>>;
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}
