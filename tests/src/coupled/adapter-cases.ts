import { createMysqlAdapter, createPgAdapter, createPostgresAdapter, createSqliteAdapter } from "@koboldfs/client";
import type { DatabaseAdapter, SqlDialect } from "@koboldfs/client";
import { drizzle } from "drizzle-orm/node-postgres";
import createKnex, { type Knex } from "knex";
import { Kysely, MysqlDialect, PostgresDialect } from "kysely";
import Database from "libsql";
import mysqlCallbacks from "mysql2";
import { createPool } from "mysql2/promise";
import pg from "pg";
import postgres from "postgres";
import { DataSource } from "typeorm";
import type { ApplicationEngine } from "./application.js";
import { openPrisma, whyPrismaIsMissing } from "./prisma.js";

/** An adapter as an application has one: around a driver, or as a recipe of the documents makes it around a library. */
export interface AdapterCase {
  readonly name: string;
  readonly engine: ApplicationEngine;
  /** Why it cannot be tried here, though its database is. */
  readonly missing?: string | undefined;
  /** Why it need not bear that its connection is cut. */
  readonly breaks?: string;
  open(dsn: string, recipes: Recipes): Promise<OpenedAdapter>;
}

export interface OpenedAdapter {
  readonly adapter: DatabaseAdapter<unknown>;
  close(): Promise<unknown>;
}

/** What the programs of docs/transactions-recipes.md export. */
export type Recipes = Readonly<Record<string, (...args: never[]) => DatabaseAdapter<unknown>>>;

const CONNECTIONS = 4;

function openPgPool(dsn: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: dsn, max: CONNECTIONS });
  pool.on("error", () => undefined);
  // What breaks while a library has it is told here too: its next statement fails.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

function make(recipes: Recipes, name: string, ...args: readonly [database: unknown, dialect?: SqlDialect]) {
  const recipe = recipes[name] as ((...given: unknown[]) => DatabaseAdapter<unknown>) | undefined;
  if (recipe === undefined) throw new Error(`the recipes have no ${name}`);
  return recipe(...args);
}

function openKnex(client: string, dsn: string): Knex {
  return createKnex({ client, connection: dsn, pool: { min: 0, max: CONNECTIONS } });
}

export const ADAPTER_CASES: readonly AdapterCase[] = [
  {
    ...{ name: "pg", engine: "postgres" },
    open: async (dsn) => {
      const pool = new pg.Pool({ connectionString: dsn, max: CONNECTIONS });
      pool.on("error", () => undefined);
      return { adapter: createPgAdapter<pg.PoolClient>(pool), close: () => pool.end() };
    },
  },
  {
    ...{ name: "postgres", engine: "postgres" },
    breaks: "its version 3.4.9 throws outside of every promise",
    open: async (dsn) => {
      const sql = postgres(dsn, { max: CONNECTIONS, onnotice: () => undefined });
      return { adapter: createPostgresAdapter<postgres.TransactionSql>(sql), close: () => sql.end() };
    },
  },
  {
    ...{ name: "mysql2", engine: "mariadb" },
    open: async (dsn) => {
      const pool = createPool({ uri: dsn, connectionLimit: CONNECTIONS });
      return { adapter: createMysqlAdapter(pool), close: () => pool.end() };
    },
  },
  {
    ...{ name: "libsql", engine: "sqlite" },
    breaks: "it has no connection",
    open: async (dsn) => {
      const database = new Database(dsn);
      return { adapter: createSqliteAdapter(database), close: async () => database.close() };
    },
  },
  {
    ...{ name: "Kysely over pg", engine: "postgres" },
    open: async (dsn, recipes) => {
      const db = new Kysely({ dialect: new PostgresDialect({ pool: openPgPool(dsn) }) });
      return { adapter: make(recipes, "createKyselyAdapter", db, "postgres"), close: () => db.destroy() };
    },
  },
  {
    ...{ name: "Kysely over mysql2", engine: "mariadb" },
    open: async (dsn, recipes) => {
      const pool = mysqlCallbacks.createPool({ uri: dsn, connectionLimit: CONNECTIONS });
      const db = new Kysely({ dialect: new MysqlDialect({ pool }) });
      return { adapter: make(recipes, "createKyselyAdapter", db, "mysql"), close: () => db.destroy() };
    },
  },
  {
    ...{ name: "Knex over pg", engine: "postgres" },
    open: async (dsn, recipes) => {
      const knex = openKnex("pg", dsn);
      return { adapter: make(recipes, "createKnexAdapter", knex, "postgres"), close: () => knex.destroy() };
    },
  },
  {
    ...{ name: "Knex over mysql2", engine: "mariadb" },
    open: async (dsn, recipes) => {
      const knex = openKnex("mysql2", dsn);
      return { adapter: make(recipes, "createKnexAdapter", knex, "mysql"), close: () => knex.destroy() };
    },
  },
  {
    ...{ name: "Drizzle over pg", engine: "postgres" },
    breaks: "its version 0.45 keeps a connection on which it could not begin",
    open: async (dsn, recipes) => {
      const pool = openPgPool(dsn);
      return { adapter: make(recipes, "createDrizzleAdapter", drizzle(pool)), close: () => pool.end() };
    },
  },
  {
    ...{ name: "TypeORM over pg", engine: "postgres" },
    open: async (dsn, recipes) => {
      const source = await new DataSource({ type: "postgres", url: dsn, poolSize: CONNECTIONS }).initialize();
      return { adapter: make(recipes, "createTypeOrmAdapter", source, "postgres"), close: () => source.destroy() };
    },
  },
  {
    ...{ name: "Prisma over pg", engine: "postgres", missing: whyPrismaIsMissing },
    open: async (dsn, recipes) => {
      const prisma = openPrisma(dsn, CONNECTIONS);
      return { adapter: make(recipes, "createPrismaAdapter", prisma), close: () => prisma.$disconnect() };
    },
  },
];
