create table if not exists "migrations" ("number" integer not null primary key, "applied_ms" integer not null);

create table if not exists "cluster" ("id" integer not null primary key, "cluster_id" text collate binary not null, "head_number" integer not null, "head_hash" blob not null, "time_ms" integer not null, "lock_count" integer not null);

create table if not exists "journal_groups" ("last" integer not null primary key, "first" integer not null, "hash" blob not null, "bytes" blob not null);

create table if not exists "journal" ("number" integer not null primary key, "group_last" integer not null, "kind" text collate binary not null, "namespace" text collate binary, "key" text collate binary, "digest" blob, "size_bytes" integer);

create table if not exists "files" ("namespace" text collate binary not null, "key" text collate binary not null, "number" integer not null, "digest" blob not null, "size_bytes" integer not null, "content_type" text collate binary not null, "metadata" text collate binary not null, "modified_ms" integer not null, constraint "files_key" primary key ("namespace", "key"));

create table if not exists "commits" ("id" text collate binary not null primary key, "fingerprint" text collate binary not null, "outcome" text collate binary, "time_ms" integer not null);

create index if not exists "commits_by_time" on "commits" ("time_ms");

create table if not exists "namespaces" ("name" text collate binary not null primary key, "min_copies" integer not null, "url_template" text collate binary, "files" integer not null, "bytes" integer not null, "created_ms" integer not null);

create table if not exists "nodes" ("id" text collate binary not null primary key, "name" text collate binary not null, "url" text collate binary not null, "zone" text collate binary not null, "state" text collate binary not null, "volumes" text collate binary not null, "joined_at" integer not null, "backfill_position" integer not null, "heartbeat_ms" integer not null, "free_bytes" integer not null, "total_bytes" integer not null);

create table if not exists "debts" ("node" text collate binary not null, "namespace" text collate binary not null, "digest" blob not null, "size_bytes" integer not null, "copies" integer not null, "number" integer not null, constraint "debts_key" primary key ("node", "namespace", "digest"));

create index if not exists "debts_by_urgency" on "debts" ("node", "copies", "number");

create table if not exists "leases" ("name" text collate binary not null primary key, "holder" text collate binary not null, "until_ms" integer not null);

create table if not exists "epochs" ("epoch" integer not null primary key, "number" integer not null, "hash" blob not null, "time_ms" integer not null);

create index if not exists "journal_by_digest" on "journal" ("digest", "namespace");

alter table "files" add column "expires_ms" integer;

create index if not exists "files_by_expiry" on "files" ("expires_ms");

create table if not exists "versions" ("namespace" text collate binary not null, "key" text collate binary not null, "number" integer not null, "digest" blob not null, "size_bytes" integer not null, "content_type" text collate binary not null, "metadata" text collate binary not null, "modified_ms" integer not null, "expires_ms" integer, "superseded_by" integer not null, "superseded_ms" integer not null, constraint "versions_key" primary key ("namespace", "key", "number"));

create index if not exists "versions_by_end" on "versions" ("namespace", "superseded_by");

create table if not exists "purges" ("node" text collate binary not null, "namespace" text collate binary not null, "digest" blob not null, "number" integer not null, "done_ms" integer, constraint "purges_key" primary key ("node", "namespace", "digest"));

create index if not exists "purges_by_blob" on "purges" ("namespace", "digest");

alter table "journal_groups" add column "time_ms" integer;

create index if not exists "groups_by_time" on "journal_groups" ("time_ms");

alter table "namespaces" add column "retention_ms" integer;

alter table "namespaces" add column "expire_after_ms" integer;

alter table "namespaces" add column "horizon" integer;

update "namespaces" set "horizon" = (select head_number from cluster where id = 1) where "horizon" is null;

create table if not exists "transactions" ("id" text collate binary not null primary key, "owner" text collate binary not null, "state" text collate binary not null, "begun_ms" integer not null, "ttl_ms" integer not null, "expires_ms" integer not null, "number" integer, "prepared_ms" integer, "finished_ms" integer, "reason" text collate binary, "changes" integer not null, "staged_bytes" integer not null, "steps" integer not null, "entry_bytes" integer not null, "by_namespace" text collate binary not null);

create index if not exists "transactions_by_state" on "transactions" ("state", "expires_ms");

create table if not exists "staged" ("transaction_id" text collate binary not null, "namespace" text collate binary not null, "key" text collate binary not null, "kind" text collate binary not null, "digest" blob, "size_bytes" integer, "content_type" text collate binary, "metadata" text collate binary, "expires" text collate binary, "min_copies" integer, "placed_on" text collate binary not null, "staged_at" integer not null, "seen" integer, constraint "staged_key" primary key ("transaction_id", "namespace", "key"));

create index if not exists "staged_by_blob" on "staged" ("namespace", "digest");

create table if not exists "locks" ("namespace" text collate binary not null, "key" text collate binary not null, "transaction_id" text collate binary not null, constraint "locks_key" primary key ("namespace", "key"));

create index if not exists "locks_by_transaction" on "locks" ("transaction_id");

create table if not exists "webhooks" ("id" text collate binary not null primary key, "url" text collate binary not null, "namespace" text collate binary, "prefix" text collate binary not null, "position" integer not null, "failures" integer not null, "error" text collate binary, "delivered_ms" integer);

alter table "namespaces" add column "max_files" integer;

alter table "namespaces" add column "max_bytes" integer;

alter table "transactions" add column "reserved" text collate binary;

update "cluster" set "lock_count" = "lock_count" + 1 where "id" = ?;

select "head_number", "head_hash", "time_ms", cast(round((julianday('now') - 2440587.5) * 86400000) as integer) as "now_ms", case when exists (select 1 from debts) then 1 else 0 end as "has_debts", case when exists (select 1 from journal where digest is not null) then 1 else 0 end as "has_blobs", (select case when min(epoch) = -2 then min(epoch) else coalesce(max(epoch), 0) end from epochs) as "epoch" from "cluster" where "id" = ?;

select "head_number", "head_hash", "time_ms", (select case when min(epoch) = -2 then min(epoch) else coalesce(max(epoch), 0) end from epochs) as "epoch" from "cluster" where "id" = ?;

select "cluster_id" from "cluster" where "id" = ?;

update "cluster" set "head_number" = ?, "head_hash" = ?, "time_ms" = ? where "id" = ?;

insert into "cluster" ("id", "cluster_id", "head_number", "head_hash", "time_ms", "lock_count") values (?, ?, ?, ?, ?, ?) on conflict do nothing;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where ("namespace" = ? and "key" = ?);

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where (("namespace" = ? and "key" = ?) or ("namespace" = ? and "key" = ?));

insert into "files" ("namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms") values (?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("namespace", "key") do update set "number" = "excluded"."number", "digest" = "excluded"."digest", "size_bytes" = "excluded"."size_bytes", "content_type" = "excluded"."content_type", "metadata" = "excluded"."metadata", "modified_ms" = "excluded"."modified_ms", "expires_ms" = "excluded"."expires_ms";

delete from "files" where (("namespace" = ? and "key" = ?) or ("namespace" = ? and "key" = ?));

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where ("files"."expires_ms" is null or "files"."expires_ms" > cast(round((julianday('now') - 2440587.5) * 86400000) as integer)) and "namespace" = ? and "key" >= ? and "key" < ? order by "key" limit ?;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where ("files"."expires_ms" is null or "files"."expires_ms" > cast(round((julianday('now') - 2440587.5) * 86400000) as integer)) and "namespace" = ? and "key" > ? order by "key" limit ?;

select "name", "min_copies", "url_template", "retention_ms", "expire_after_ms", "max_files", "max_bytes", "files", "bytes", "horizon", "created_ms" from "namespaces" where "name" in (?);

select "name", "min_copies", "url_template", "retention_ms", "expire_after_ms", "max_files", "max_bytes", "files", "bytes", "horizon", "created_ms" from "namespaces" order by "name";

insert into "namespaces" ("name", "min_copies", "url_template", "retention_ms", "expire_after_ms", "max_files", "max_bytes", "files", "bytes", "horizon", "created_ms") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("name") do update set "min_copies" = "excluded"."min_copies", "url_template" = "excluded"."url_template", "retention_ms" = "excluded"."retention_ms", "expire_after_ms" = "excluded"."expire_after_ms", "max_files" = "excluded"."max_files", "max_bytes" = "excluded"."max_bytes", "files" = "excluded"."files", "bytes" = "excluded"."bytes", "horizon" = "excluded"."horizon";

delete from "namespaces" where "name" in (?);

select *, cast(round((julianday('now') - 2440587.5) * 86400000) as integer) as "now_ms" from "nodes" order by "name";

insert into "nodes" ("id", "name", "url", "zone", "state", "volumes", "joined_at", "backfill_position", "heartbeat_ms", "free_bytes", "total_bytes") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("id") do update set "name" = "excluded"."name", "url" = "excluded"."url", "zone" = "excluded"."zone", "state" = "excluded"."state", "volumes" = "excluded"."volumes", "joined_at" = "excluded"."joined_at", "backfill_position" = "excluded"."backfill_position";

update "nodes" set "heartbeat_ms" = cast(round((julianday('now') - 2440587.5) * 86400000) as integer), "free_bytes" = ?, "total_bytes" = ? where "id" = ?;

update "nodes" set "backfill_position" = ? where "id" = ? and "backfill_position" < ?;

insert into "debts" ("node", "namespace", "digest", "size_bytes", "copies", "number") values (?, ?, ?, ?, ?, ?) on conflict ("node", "namespace", "digest") do update set "copies" = "excluded"."copies";

delete from "debts" where (("node" = ? and "namespace" = ? and "digest" = ?) or ("node" = ? and "namespace" = ? and "digest" = ?));

select "node", "namespace", "digest", "size_bytes", "copies", "number" from "debts" where "node" = ? order by "copies", "number" limit ? offset ?;

select "node", count(*) as "files", sum("size_bytes") as "bytes", min("number") as "oldest" from "debts" group by "node" order by "node";

select "node", "namespace", "digest", "size_bytes", "copies", "number" from "debts" where ("node" > ? or ("node" = ? and "namespace" > ?) or ("node" = ? and "namespace" = ? and "digest" > ?)) order by "node", "namespace", "digest" limit ?;

select "namespace", "digest" from "debts" where (("node" = ? and "namespace" = ? and "digest" = ?) or ("node" = ? and "namespace" = ? and "digest" = ?));

select count(*) as "files", sum("size_bytes") as "bytes" from (select "namespace", "digest", max("size_bytes") as "size_bytes" from "debts" where "node" in (?, ?) and not exists (select 1 as "one" from "debts" as "own" where "own"."node" = ? and "own"."namespace" = "debts"."namespace" and "own"."digest" = "debts"."digest") group by "namespace", "digest" having count(*) >= ?) as "owed";

select "namespace", "digest", max("size_bytes") as "size_bytes" from "debts" where "node" in (?, ?) and not exists (select 1 as "one" from "debts" as "own" where "own"."node" = ? and "own"."namespace" = "debts"."namespace" and "own"."digest" = "debts"."digest") group by "namespace", "digest" having count(*) >= ? order by "namespace", "digest" limit ?;

select count(*) as "files", sum("size_bytes") as "bytes" from (select "namespace", "digest", max("size_bytes") as "size_bytes" from "journal" where "digest" is not null group by "digest", "namespace") as "blobs";

select "namespace", "digest", max("size_bytes") as "size_bytes" from "journal" where "digest" is not null and "digest" >= ? and "digest" <= ? and ("digest" > ? or "namespace" > ?) group by "digest", "namespace" order by "digest", "namespace" limit ?;

insert into "journal" ("number", "group_last", "kind", "namespace", "key", "digest", "size_bytes") values (?, ?, ?, ?, ?, ?, ?);

insert into "journal_groups" ("last", "first", "hash", "bytes", "time_ms") values (?, ?, ?, ?, ?);

insert into "journal_groups" ("last", "first", "hash", "bytes", "time_ms") values (?, ?, ?, ?, ?), (?, ?, ?, ?, ?);

select "last", "first", "hash", "bytes" from "journal_groups" where "last" > ? order by "last" limit ?;

select "hash" from "journal_groups" where "last" = ?;

select "number", "namespace", "digest", "size_bytes" from "journal" where "number" > ? and "number" <= ? and "digest" is not null order by "number" limit ?;

select max("epoch") as "epoch" from "epochs";

delete from "epochs" where "epoch" = ?;

insert into "epochs" ("epoch", "number", "hash", "time_ms") values (?, ?, ?, ?) on conflict do nothing;

select "last", "first", "hash", "bytes" from "journal_groups" where "last" >= ? order by "last" limit ?;

select "last", "time_ms" from "journal_groups" where "time_ms" <= ? order by "time_ms" desc, "last" desc limit ?;

delete from "journal" where "number" in (?);

delete from "journal" where "number" in (?) and "kind" in (?, ?);

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", (select "locks"."transaction_id" from "locks" where "locks"."namespace" = "files"."namespace" and "locks"."key" = "files"."key") as "held_by" from "files" where ("namespace" = ? and "key" = ?) and ("files"."expires_ms" is null or "files"."expires_ms" > cast(round((julianday('now') - 2440587.5) * 86400000) as integer));

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where "number" <= ? and ("files"."expires_ms" is null or "files"."expires_ms" > ?) and "namespace" = ? and "key" >= ? and "key" < ? order by "key" limit ?;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where "number" > ? and "namespace" = ? and "key" >= ? and "key" < ? order by "key" limit ?;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where "expires_ms" <= cast(round((julianday('now') - 2440587.5) * 86400000) as integer) and not exists (select "locks"."transaction_id" from "locks" where "locks"."namespace" = "files"."namespace" and "locks"."key" = "files"."key") order by "expires_ms" limit ?;

insert into "versions" ("namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

delete from "versions" where ("namespace" = ? and "key" = ? and "number" = ?);

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where ("namespace" = ? and "key" = ? and "number" = ?);

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where ("namespace" = ? and "key" = ?) and "number" = (select max("newer"."number") as "newest" from "versions" as "newer" where "newer"."namespace" = "versions"."namespace" and "newer"."key" = "versions"."key");

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "namespace" = ? and "key" = ? and "number" < ? and "superseded_by" > ? order by "number" desc limit ?;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "namespace" = ? and "key" = ? and "number" <= ? and "superseded_by" > ? order by "number" desc limit ?;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "number" <= ? and "superseded_by" > ? and ("versions"."expires_ms" is null or "versions"."expires_ms" > ?) and "namespace" = ? and "key" >= ? and "key" < ? order by "key" limit ?;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "number" <= ? and "superseded_by" > ? and "namespace" = ? and "key" >= ? and "key" < ? order by "key" limit ?;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "superseded_by" > ? and (not exists (select "newer"."number" from "versions" as "newer" where "newer"."namespace" = "versions"."namespace" and "newer"."key" = "versions"."key" and "newer"."number" > "versions"."number") and not exists (select "files"."number" from "files" where "files"."namespace" = "versions"."namespace" and "files"."key" = "versions"."key")) and "namespace" = ? and "key" >= ? and "key" < ? order by "key" limit ?;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "namespace" = ? and "superseded_by" <= ? order by "superseded_by" limit ?;

select "namespace" from "versions" where "namespace" > ? order by "namespace" limit ?;

select count(*) as "files", sum("size_bytes") as "bytes" from "versions";

select distinct "namespace", "digest" from "journal" where (("namespace" = ? and "digest" = ?) or ("namespace" = ? and "digest" = ?)) union select "namespace", "digest" from "staged" where (("namespace" = ? and "digest" = ?) or ("namespace" = ? and "digest" = ?));

select "namespace", "key", "number" from "journal" where "digest" = ? and "namespace" = ? order by "number" desc limit ?;

select case when exists (select 1 from journal where namespace = ? and digest = ?) or exists (select 1 from staged where namespace = ? and digest = ?) then 1 else 0 end as "is_referenced" from "cluster" where "id" = ?;

insert into "purges" ("node", "namespace", "digest", "number", "done_ms") values (?, ?, ?, ?, ?) on conflict ("node", "namespace", "digest") do update set "number" = "excluded"."number", "done_ms" = "excluded"."done_ms";

select "node", "namespace", "digest", "number", "done_ms" from "purges" where ("namespace" = ? and "digest" = ?);

select "node", "namespace", "digest", "number", "done_ms" from "purges" where "node" = ? and "done_ms" is null order by "number" limit ?;

update "purges" set "done_ms" = cast(round((julianday('now') - 2440587.5) * 86400000) as integer) where "node" = ? and "namespace" = ? and "digest" = ? and "number" = ?;

select distinct "node" from "purges" where "number" > ? and "number" <= ? and "done_ms" is null;

delete from "purges" where "done_ms" < cast(round((julianday('now') - 2440587.5) * 86400000) as integer) - ?;

update "leases" set "holder" = ?, "until_ms" = cast(round((julianday('now') - 2440587.5) * 86400000) as integer) + ? where "name" = ? and ("holder" = ? or "until_ms" <= cast(round((julianday('now') - 2440587.5) * 86400000) as integer));

insert into "leases" ("name", "holder", "until_ms") values (?, ?, cast(round((julianday('now') - 2440587.5) * 86400000) as integer) + ?) on conflict do nothing;

delete from "leases" where "name" = ? and "holder" = ?;

select "id", "fingerprint", "outcome" from "commits" where "id" in (?);

insert into "commits" ("id", "fingerprint", "outcome", "time_ms") values (?, ?, ?, ?);

delete from "commits" where "id" in (?);

insert into "commits" ("id", "fingerprint", "outcome", "time_ms") values (?, ?, ?, ?) on conflict do nothing;

insert into "commits" ("id", "fingerprint", "outcome", "time_ms") values (?, ?, ?, cast(round((julianday('now') - 2440587.5) * 86400000) as integer)) on conflict do nothing;

select "id" from "commits" where "time_ms" < cast(round((julianday('now') - 2440587.5) * 86400000) as integer) - ? order by "time_ms" limit ?;

insert into "transactions" ("id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("id") do update set "state" = "excluded"."state", "expires_ms" = "excluded"."expires_ms", "number" = "excluded"."number", "prepared_ms" = "excluded"."prepared_ms", "finished_ms" = "excluded"."finished_ms", "reason" = "excluded"."reason", "changes" = "excluded"."changes", "staged_bytes" = "excluded"."staged_bytes", "steps" = "excluded"."steps", "entry_bytes" = "excluded"."entry_bytes", "by_namespace" = "excluded"."by_namespace", "reserved" = "excluded"."reserved";

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "id" in (?);

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "state" in (?, ?);

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "state" = ? and "reserved" is not null;

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "id" > ? order by "id" limit ?;

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "state" = ? and "id" > ? order by "id" limit ?;

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "state" = ? and "expires_ms" <= cast(round((julianday('now') - 2440587.5) * 86400000) as integer) order by "expires_ms" limit ?;

update "transactions" set "expires_ms" = cast(round((julianday('now') - 2440587.5) * 86400000) as integer) + "ttl_ms" where "id" = ? and "state" = ? and "expires_ms" > cast(round((julianday('now') - 2440587.5) * 86400000) as integer);

select "id" from "transactions" where "state" in (?, ?) and "finished_ms" < cast(round((julianday('now') - 2440587.5) * 86400000) as integer) - ? limit ?;

delete from "transactions" where "id" in (?) and "state" in (?, ?);

insert into "locks" ("namespace", "key", "transaction_id") select "namespace", "key", "transaction_id" from "staged" where "transaction_id" = ? on conflict do nothing;

delete from "locks" where "transaction_id" = ?;

select "locks"."namespace", "locks"."key", "locks"."transaction_id" from "staged" inner join "locks" on "locks"."namespace" = "staged"."namespace" and "locks"."key" = "staged"."key" where "staged"."transaction_id" = ?;

select "namespace", "key", "transaction_id" from "locks" where (("namespace" = ? and "key" = ?) or ("namespace" = ? and "key" = ?));

select "namespace", "key", "transaction_id" from "locks" where "namespace" = ? and "key" >= ? order by "key" limit ?;

insert into "staged" ("transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("transaction_id", "namespace", "key") do update set "kind" = "excluded"."kind", "digest" = "excluded"."digest", "size_bytes" = "excluded"."size_bytes", "content_type" = "excluded"."content_type", "metadata" = "excluded"."metadata", "expires" = "excluded"."expires", "min_copies" = "excluded"."min_copies", "placed_on" = "excluded"."placed_on", "staged_at" = "excluded"."staged_at", "seen" = "excluded"."seen";

select "transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen" from "staged" where (("transaction_id" = ? and "namespace" = ? and "key" = ?) or ("transaction_id" = ? and "namespace" = ? and "key" = ?));

select "transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen" from "staged" where "transaction_id" = ?;

select "transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen" from "staged" where "transaction_id" = ? order by "namespace", "key" limit ?;

select "transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen" from "staged" where "transaction_id" = ? and "namespace" = ? and "key" >= ? and "key" < ? order by "key" limit ?;

delete from "staged" where "transaction_id" = ?;

select "files"."namespace", "files"."key", "files"."number", "files"."digest", "files"."size_bytes", "files"."content_type", "files"."metadata", "files"."modified_ms", "files"."expires_ms" from "staged" inner join "files" on "files"."namespace" = "staged"."namespace" and "files"."key" = "staged"."key" where "staged"."transaction_id" = ?;

select * from "namespaces" where "name" in (select "staged"."namespace" from "staged" where "staged"."transaction_id" = ?);

select count(*) as "files", sum("size_bytes") as "bytes" from "staged" where "min_copies" is not null and placed_on like ?;

select "id", "url", "namespace", "prefix", "position", "failures", "error", "delivered_ms" from "webhooks" order by "id";

insert into "webhooks" ("id", "url", "namespace", "prefix", "position", "failures", "error", "delivered_ms") values (?, ?, ?, ?, ?, ?, ?, ?) on conflict ("id") do update set "url" = "excluded"."url", "namespace" = "excluded"."namespace", "prefix" = "excluded"."prefix";

delete from "webhooks" where "id" in (?);

update "webhooks" set "position" = ?, "failures" = ?, "error" = ?, "delivered_ms" = ? where "id" = ? and "position" <= ? and exists (select "last" from "journal_groups" where "last" = ? and "hash" = ?);
