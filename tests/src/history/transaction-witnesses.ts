import type { ClientPool, KoboldError } from "@koboldfs/client";
import { expect } from "vitest";
import { NAMESPACE } from "../harness/cluster.js";

/** Both parts of a transaction's files, so that a half can be seen. */
const PARTS = ["one", "two"] as const;

type Tx = Awaited<ReturnType<ClientPool["begin"]>>;

/** Transactions at each step of their way when the catalog's primary is lost. */
export class TransactionWitnesses {
  readonly #pool: ClientPool;
  #followed: Tx | undefined;
  #half: Tx | undefined;
  #begun: Tx | undefined;
  #prepared: Tx | undefined;
  #committed: Tx | undefined;
  #committing: Tx | undefined;
  #commit: Promise<string> | undefined;

  constructor(pool: ClientPool) {
    this.#pool = pool;
  }

  /** What a standby has, also one that gets nothing from now on. */
  async begin(): Promise<void> {
    this.#followed = await this.#stage("followed", PARTS);
    this.#half = await this.#stage("half", PARTS.slice(0, 1));
  }

  /** What only a standby has that followed to the end. */
  async goOn(): Promise<void> {
    await this.#put(this.#half as Tx, "half", PARTS.slice(1));
    this.#begun = await this.#stage("begun", PARTS);
    this.#prepared = await this.#stage("prepared", PARTS);
    await this.#prepared.prepare();
    this.#committed = await this.#stage("committed", PARTS);
    await this.#committed.commit();
    this.#committing = await this.#stage("committing", PARTS);
  }

  /** To be answered while the primary dies. */
  commitOne(): void {
    this.#commit = (this.#committing as Tx).commit().then(
      () => "committed",
      (thrown: KoboldError) => thrown.code,
    );
  }

  async checkAll(isSynchronous: boolean): Promise<void> {
    expect(await this.#partsOf("committed")).toEqual(PARTS);
    expect((await this.#pool.getTransaction((this.#committed as Tx).id)).state).toBe("committed");
    await this.#checkCommitting();
    expect(await this.#partsOf("prepared")).toEqual([]);
    const held = this.#pool.client(NAMESPACE).put("prepared/one", Buffer.from("other"), { deadlineMs: 200 });
    await expect(held).rejects.toMatchObject({ code: "key_locked" });
    await (this.#prepared as Tx).commit();
    expect(await this.#partsOf("prepared")).toEqual(PARTS);
    await (this.#followed as Tx).commit();
    expect(await this.#partsOf("followed")).toEqual(PARTS);
    await this.#checkOpen("half", this.#half as Tx, isSynchronous ? undefined : "transaction_conflict");
    await this.#checkOpen("begun", this.#begun as Tx, isSynchronous ? undefined : "transaction_not_found");
  }

  /** Whatever was answered, it is true, and nothing is half. */
  async #checkCommitting(): Promise<void> {
    const answer = await (this.#commit as Promise<string>);
    console.log(`the commit that the loss met: ${answer}`);
    const tx = this.#committing as Tx;
    const known = await this.#pool.getTransaction(tx.id).then(
      ({ state }) => state as string,
      (thrown: KoboldError) => thrown.code,
    );
    if (answer === "committed") expect(known).toBe("committed");
    else expect(["transaction_in_doubt", "transaction_conflict", "transaction_not_found"]).toContain(answer);
    expect(await this.#partsOf("committing")).toEqual(known === "committed" ? PARTS : []);
    if (known === "open") await tx.abort();
  }

  async #checkOpen(name: string, tx: Tx, refusal: string | undefined): Promise<void> {
    const commit = tx.commit();
    if (refusal === undefined) await commit;
    else await expect(commit).rejects.toMatchObject({ code: refusal });
    if (refusal === "transaction_conflict") await tx.abort();
    expect(await this.#partsOf(name)).toEqual(refusal === undefined ? PARTS : []);
  }

  async #stage(name: string, parts: readonly string[]): Promise<Tx> {
    const tx = await this.#pool.begin();
    await this.#put(tx, name, parts);
    return tx;
  }

  async #put(tx: Tx, name: string, parts: readonly string[]): Promise<void> {
    for (const part of parts) await tx.client(NAMESPACE).put(`${name}/${part}`, Buffer.from(name + part));
  }

  async #partsOf(name: string): Promise<string[]> {
    const parts: string[] = [];
    for await (const { key } of this.#pool.client(NAMESPACE).list({ prefix: `${name}/` })) parts.push(key);
    return parts.map((key) => key.slice(name.length + 1));
  }
}
