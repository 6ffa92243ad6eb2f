import type { ClientPool, DatabaseAdapter, OpenedFile } from "@koboldfs/client";
import type pg from "pg";

export const NAMESPACE = "album";

export interface Photo {
  readonly id: number;
  readonly title: string;
  readonly digest: string;
}

export interface NewPhoto {
  readonly title: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Photos: a row of PostgreSQL and a file of KoboldFS each, which are there together or not at all. */
export class Album {
  readonly #files: ClientPool;
  readonly #rows: pg.Pool;
  readonly #database: DatabaseAdapter<pg.PoolClient>;

  constructor(files: ClientPool, rows: pg.Pool, database: DatabaseAdapter<pg.PoolClient>) {
    this.#files = files;
    this.#rows = rows;
    this.#database = database;
  }

  /** Makes the namespace and the table where they are missing. */
  async prepare(): Promise<void> {
    await this.#files.client(NAMESPACE).createNamespace();
    await this.#rows.query(
      "create table if not exists photos (id serial primary key, title text not null, digest text not null)",
    );
  }

  async list(): Promise<Photo[]> {
    return (await this.#rows.query<Photo>("select id, title, digest from photos order by id desc")).rows;
  }

  add({ title, contentType, bytes }: NewPhoto): Promise<number> {
    return this.#files.withDatabase(this.#database, async ({ tx, sql }) => {
      const { rows } = await sql.query<{ id: number }>("select nextval('photos_id_seq')::int as id");
      const [{ id }] = rows as [{ id: number }];
      const { digest } = await tx.client(NAMESPACE).put(keyOf(id), bytes, { contentType });
      await sql.query("insert into photos (id, title, digest) values ($1, $2, $3)", [id, title, digest]);
      return id;
    });
  }

  /** `false` when there was no such photo. */
  remove(id: number): Promise<boolean> {
    return this.#files.withDatabase(this.#database, async ({ tx, sql }) => {
      const { rowCount } = await sql.query("delete from photos where id = $1", [id]);
      return rowCount === 1 && tx.client(NAMESPACE).delete(keyOf(id));
    });
  }

  /** Undefined when there is no such photo. */
  open(id: number): Promise<OpenedFile | undefined> {
    return this.#files.client(NAMESPACE).open(keyOf(id));
  }
}

export function keyOf(id: number): string {
  return `photos/${id}`;
}
