create table if not exists "migrations" ("number" bigint not null primary key, "applied_ms" bigint not null);

create table if not exists "cluster" ("id" bigint not null primary key, "cluster_id" text collate "C" not null, "head_number" bigint not null, "head_hash" bytea not null, "time_ms" bigint not null, "lock_count" bigint not null);

create table if not exists "journal_groups" ("last" bigint not null primary key, "first" bigint not null, "hash" bytea not null, "bytes" bytea not null);

create table if not exists "journal" ("number" bigint not null primary key, "group_last" bigint not null, "kind" text collate "C" not null, "namespace" text collate "C", "key" text collate "C", "digest" bytea, "size_bytes" bigint);

create table if not exists "files" ("namespace" text collate "C" not null, "key" text collate "C" not null, "number" bigint not null, "digest" bytea not null, "size_bytes" bigint not null, "content_type" text collate "C" not null, "metadata" text collate "C" not null, "modified_ms" bigint not null, constraint "files_key" primary key ("namespace", "key"));

create table if not exists "commits" ("id" text collate "C" not null primary key, "fingerprint" text collate "C" not null, "outcome" text collate "C", "time_ms" bigint not null);

create index if not exists "commits_by_time" on "commits" ("time_ms");

create table if not exists "namespaces" ("name" text collate "C" not null primary key, "min_copies" bigint not null, "url_template" text collate "C", "files" bigint not null, "bytes" bigint not null, "created_ms" bigint not null);

create table if not exists "nodes" ("id" text collate "C" not null primary key, "name" text collate "C" not null, "url" text collate "C" not null, "zone" text collate "C" not null, "state" text collate "C" not null, "volumes" text collate "C" not null, "joined_at" bigint not null, "backfill_position" bigint not null, "heartbeat_ms" bigint not null, "free_bytes" bigint not null, "total_bytes" bigint not null);

create table if not exists "debts" ("node" text collate "C" not null, "namespace" text collate "C" not null, "digest" bytea not null, "size_bytes" bigint not null, "copies" bigint not null, "number" bigint not null, constraint "debts_key" primary key ("node", "namespace", "digest"));

create index if not exists "debts_by_urgency" on "debts" ("node", "copies", "number");

create table if not exists "leases" ("name" text collate "C" not null primary key, "holder" text collate "C" not null, "until_ms" bigint not null);

create table if not exists "epochs" ("epoch" bigint not null primary key, "number" bigint not null, "hash" bytea not null, "time_ms" bigint not null);

create index if not exists "journal_by_digest" on "journal" ("digest", "namespace");

alter table "files" add column "expires_ms" bigint;

create index if not exists "files_by_expiry" on "files" ("expires_ms");

create table if not exists "versions" ("namespace" text collate "C" not null, "key" text collate "C" not null, "number" bigint not null, "digest" bytea not null, "size_bytes" bigint not null, "content_type" text collate "C" not null, "metadata" text collate "C" not null, "modified_ms" bigint not null, "expires_ms" bigint, "superseded_by" bigint not null, "superseded_ms" bigint not null, constraint "versions_key" primary key ("namespace", "key", "number"));

create index if not exists "versions_by_end" on "versions" ("namespace", "superseded_by");

create table if not exists "purges" ("node" text collate "C" not null, "namespace" text collate "C" not null, "digest" bytea not null, "number" bigint not null, "done_ms" bigint, constraint "purges_key" primary key ("node", "namespace", "digest"));

create index if not exists "purges_by_blob" on "purges" ("namespace", "digest");

alter table "journal_groups" add column "time_ms" bigint;

create index if not exists "groups_by_time" on "journal_groups" ("time_ms");

alter table "namespaces" add column "retention_ms" bigint;

alter table "namespaces" add column "expire_after_ms" bigint;

alter table "namespaces" add column "horizon" bigint;

update "namespaces" set "horizon" = (select head_number from cluster where id = 1) where "horizon" is null;

create table if not exists "transactions" ("id" text collate "C" not null primary key, "owner" text collate "C" not null, "state" text collate "C" not null, "begun_ms" bigint not null, "ttl_ms" bigint not null, "expires_ms" bigint not null, "number" bigint, "prepared_ms" bigint, "finished_ms" bigint, "reason" text collate "C", "changes" bigint not null, "staged_bytes" bigint not null, "steps" bigint not null, "entry_bytes" bigint not null, "by_namespace" text collate "C" not null);

create index if not exists "transactions_by_state" on "transactions" ("state", "expires_ms");

create table if not exists "staged" ("transaction_id" text collate "C" not null, "namespace" text collate "C" not null, "key" text collate "C" not null, "kind" text collate "C" not null, "digest" bytea, "size_bytes" bigint, "content_type" text collate "C", "metadata" text collate "C", "expires" text collate "C", "min_copies" bigint, "placed_on" text collate "C" not null, "staged_at" bigint not null, "seen" bigint, constraint "staged_key" primary key ("transaction_id", "namespace", "key"));

create index if not exists "staged_by_blob" on "staged" ("namespace", "digest");

create table if not exists "locks" ("namespace" text collate "C" not null, "key" text collate "C" not null, "transaction_id" text collate "C" not null, constraint "locks_key" primary key ("namespace", "key"));

create index if not exists "locks_by_transaction" on "locks" ("transaction_id");

create table if not exists "webhooks" ("id" text collate "C" not null primary key, "url" text collate "C" not null, "namespace" text collate "C", "prefix" text collate "C" not null, "position" bigint not null, "failures" bigint not null, "error" text collate "C", "delivered_ms" bigint);

alter table "namespaces" add column "max_files" bigint;

alter table "namespaces" add column "max_bytes" bigint;

alter table "transactions" add column "reserved" text collate "C";

update "cluster" set "lock_count" = "lock_count" + 1 where "id" = $1;

select "head_number", "head_hash", "time_ms", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now_ms", case when exists (select 1 from debts) then 1 else 0 end as "has_debts", case when exists (select 1 from journal where digest is not null) then 1 else 0 end as "has_blobs", (select case when min(epoch) = -2 then min(epoch) else coalesce(max(epoch), 0) end from epochs) as "epoch" from "cluster" where "id" = $1;

select "head_number", "head_hash", "time_ms", (select case when min(epoch) = -2 then min(epoch) else coalesce(max(epoch), 0) end from epochs) as "epoch" from "cluster" where "id" = $1;

select "cluster_id" from "cluster" where "id" = $1;

update "cluster" set "head_number" = $1, "head_hash" = $2, "time_ms" = $3 where "id" = $4;

insert into "cluster" ("id", "cluster_id", "head_number", "head_hash", "time_ms", "lock_count") values ($1, $2, $3, $4, $5, $6) on conflict do nothing;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where ("namespace" = $1 and "key" = $2);

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where (("namespace" = $1 and "key" = $2) or ("namespace" = $3 and "key" = $4));

insert into "files" ("namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms") values ($1, $2, $3, $4, $5, $6, $7, $8, $9), ($10, $11, $12, $13, $14, $15, $16, $17, $18) on conflict ("namespace", "key") do update set "number" = "excluded"."number", "digest" = "excluded"."digest", "size_bytes" = "excluded"."size_bytes", "content_type" = "excluded"."content_type", "metadata" = "excluded"."metadata", "modified_ms" = "excluded"."modified_ms", "expires_ms" = "excluded"."expires_ms";

delete from "files" where (("namespace" = $1 and "key" = $2) or ("namespace" = $3 and "key" = $4));

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where ("files"."expires_ms" is null or "files"."expires_ms" > (extract(epoch from clock_timestamp()) * 1000)::bigint) and "namespace" = $1 and "key" >= $2 and "key" < $3 order by "key" limit $4;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where ("files"."expires_ms" is null or "files"."expires_ms" > (extract(epoch from clock_timestamp()) * 1000)::bigint) and "namespace" = $1 and "key" > $2 order by "key" limit $3;

select "name", "min_copies", "url_template", "retention_ms", "expire_after_ms", "max_files", "max_bytes", "files", "bytes", "horizon", "created_ms" from "namespaces" where "name" in ($1);

select "name", "min_copies", "url_template", "retention_ms", "expire_after_ms", "max_files", "max_bytes", "files", "bytes", "horizon", "created_ms" from "namespaces" order by "name";

insert into "namespaces" ("name", "min_copies", "url_template", "retention_ms", "expire_after_ms", "max_files", "max_bytes", "files", "bytes", "horizon", "created_ms") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict ("name") do update set "min_copies" = "excluded"."min_copies", "url_template" = "excluded"."url_template", "retention_ms" = "excluded"."retention_ms", "expire_after_ms" = "excluded"."expire_after_ms", "max_files" = "excluded"."max_files", "max_bytes" = "excluded"."max_bytes", "files" = "excluded"."files", "bytes" = "excluded"."bytes", "horizon" = "excluded"."horizon";

delete from "namespaces" where "name" in ($1);

select *, (extract(epoch from clock_timestamp()) * 1000)::bigint as "now_ms" from "nodes" order by "name";

insert into "nodes" ("id", "name", "url", "zone", "state", "volumes", "joined_at", "backfill_position", "heartbeat_ms", "free_bytes", "total_bytes") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict ("id") do update set "name" = "excluded"."name", "url" = "excluded"."url", "zone" = "excluded"."zone", "state" = "excluded"."state", "volumes" = "excluded"."volumes", "joined_at" = "excluded"."joined_at", "backfill_position" = "excluded"."backfill_position";

update "nodes" set "heartbeat_ms" = (extract(epoch from clock_timestamp()) * 1000)::bigint, "free_bytes" = $1, "total_bytes" = $2 where "id" = $3;

update "nodes" set "backfill_position" = $1 where "id" = $2 and "backfill_position" < $3;

insert into "debts" ("node", "namespace", "digest", "size_bytes", "copies", "number") values ($1, $2, $3, $4, $5, $6) on conflict ("node", "namespace", "digest") do update set "copies" = "excluded"."copies";

delete from "debts" where (("node" = $1 and "namespace" = $2 and "digest" = $3) or ("node" = $4 and "namespace" = $5 and "digest" = $6));

select "node", "namespace", "digest", "size_bytes", "copies", "number" from "debts" where "node" = $1 order by "copies", "number" limit $2 offset $3;

select "node", count(*) as "files", sum("size_bytes") as "bytes", min("number") as "oldest" from "debts" group by "node" order by "node";

select "node", "namespace", "digest", "size_bytes", "copies", "number" from "debts" where ("node" > $1 or ("node" = $2 and "namespace" > $3) or ("node" = $4 and "namespace" = $5 and "digest" > $6)) order by "node", "namespace", "digest" limit $7;

select "namespace", "digest" from "debts" where (("node" = $1 and "namespace" = $2 and "digest" = $3) or ("node" = $4 and "namespace" = $5 and "digest" = $6));

select count(*) as "files", sum("size_bytes") as "bytes" from (select "namespace", "digest", max("size_bytes") as "size_bytes" from "debts" where "node" in ($1, $2) and not exists (select 1 as "one" from "debts" as "own" where "own"."node" = $3 and "own"."namespace" = "debts"."namespace" and "own"."digest" = "debts"."digest") group by "namespace", "digest" having count(*) >= $4) as "owed";

select "namespace", "digest", max("size_bytes") as "size_bytes" from "debts" where "node" in ($1, $2) and not exists (select 1 as "one" from "debts" as "own" where "own"."node" = $3 and "own"."namespace" = "debts"."namespace" and "own"."digest" = "debts"."digest") group by "namespace", "digest" having count(*) >= $4 order by "namespace", "digest" limit $5;

select count(*) as "files", sum("size_bytes") as "bytes" from (select "namespace", "digest", max("size_bytes") as "size_bytes" from "journal" where "digest" is not null group by "digest", "namespace") as "blobs";

select "namespace", "digest", max("size_bytes") as "size_bytes" from "journal" where "digest" is not null and "digest" >= $1 and "digest" <= $2 and ("digest" > $3 or "namespace" > $4) group by "digest", "namespace" order by "digest", "namespace" limit $5;

insert into "journal" ("number", "group_last", "kind", "namespace", "key", "digest", "size_bytes") values ($1, $2, $3, $4, $5, $6, $7);

insert into "journal_groups" ("last", "first", "hash", "bytes", "time_ms") values ($1, $2, $3, $4, $5);

insert into "journal_groups" ("last", "first", "hash", "bytes", "time_ms") values ($1, $2, $3, $4, $5), ($6, $7, $8, $9, $10);

select "last", "first", "hash", "bytes" from "journal_groups" where "last" > $1 order by "last" limit $2;

select "hash" from "journal_groups" where "last" = $1;

select "number", "namespace", "digest", "size_bytes" from "journal" where "number" > $1 and "number" <= $2 and "digest" is not null order by "number" limit $3;

select max("epoch") as "epoch" from "epochs";

delete from "epochs" where "epoch" = $1;

insert into "epochs" ("epoch", "number", "hash", "time_ms") values ($1, $2, $3, $4) on conflict do nothing;

select "last", "first", "hash", "bytes" from "journal_groups" where "last" >= $1 order by "last" limit $2;

select "last", "time_ms" from "journal_groups" where "time_ms" <= $1 order by "time_ms" desc, "last" desc limit $2;

delete from "journal" where "number" in ($1);

delete from "journal" where "number" in ($1) and "kind" in ($2, $3);

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", (select "locks"."transaction_id" from "locks" where "locks"."namespace" = "files"."namespace" and "locks"."key" = "files"."key") as "held_by" from "files" where ("namespace" = $1 and "key" = $2) and ("files"."expires_ms" is null or "files"."expires_ms" > (extract(epoch from clock_timestamp()) * 1000)::bigint);

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where "number" <= $1 and ("files"."expires_ms" is null or "files"."expires_ms" > $2) and "namespace" = $3 and "key" >= $4 and "key" < $5 order by "key" limit $6;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where "number" > $1 and "namespace" = $2 and "key" >= $3 and "key" < $4 order by "key" limit $5;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms" from "files" where "expires_ms" <= (extract(epoch from clock_timestamp()) * 1000)::bigint and not exists (select "locks"."transaction_id" from "locks" where "locks"."namespace" = "files"."namespace" and "locks"."key" = "files"."key") order by "expires_ms" limit $1;

insert into "versions" ("namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

delete from "versions" where ("namespace" = $1 and "key" = $2 and "number" = $3);

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where ("namespace" = $1 and "key" = $2 and "number" = $3);

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where ("namespace" = $1 and "key" = $2) and "number" = (select max("newer"."number") as "newest" from "versions" as "newer" where "newer"."namespace" = "versions"."namespace" and "newer"."key" = "versions"."key");

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "namespace" = $1 and "key" = $2 and "number" < $3 and "superseded_by" > $4 order by "number" desc limit $5;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "namespace" = $1 and "key" = $2 and "number" <= $3 and "superseded_by" > $4 order by "number" desc limit $5;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "number" <= $1 and "superseded_by" > $2 and ("versions"."expires_ms" is null or "versions"."expires_ms" > $3) and "namespace" = $4 and "key" >= $5 and "key" < $6 order by "key" limit $7;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "number" <= $1 and "superseded_by" > $2 and "namespace" = $3 and "key" >= $4 and "key" < $5 order by "key" limit $6;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "superseded_by" > $1 and (not exists (select "newer"."number" from "versions" as "newer" where "newer"."namespace" = "versions"."namespace" and "newer"."key" = "versions"."key" and "newer"."number" > "versions"."number") and not exists (select "files"."number" from "files" where "files"."namespace" = "versions"."namespace" and "files"."key" = "versions"."key")) and "namespace" = $2 and "key" >= $3 and "key" < $4 order by "key" limit $5;

select "namespace", "key", "number", "digest", "size_bytes", "content_type", "metadata", "modified_ms", "expires_ms", "superseded_by", "superseded_ms" from "versions" where "namespace" = $1 and "superseded_by" <= $2 order by "superseded_by" limit $3;

select "namespace" from "versions" where "namespace" > $1 order by "namespace" limit $2;

select count(*) as "files", sum("size_bytes") as "bytes" from "versions";

select distinct "namespace", "digest" from "journal" where (("namespace" = $1 and "digest" = $2) or ("namespace" = $3 and "digest" = $4)) union select "namespace", "digest" from "staged" where (("namespace" = $5 and "digest" = $6) or ("namespace" = $7 and "digest" = $8));

select "namespace", "key", "number" from "journal" where "digest" = $1 and "namespace" = $2 order by "number" desc limit $3;

select case when exists (select 1 from journal where namespace = $1 and digest = $2) or exists (select 1 from staged where namespace = $3 and digest = $4) then 1 else 0 end as "is_referenced" from "cluster" where "id" = $5;

insert into "purges" ("node", "namespace", "digest", "number", "done_ms") values ($1, $2, $3, $4, $5) on conflict ("node", "namespace", "digest") do update set "number" = "excluded"."number", "done_ms" = "excluded"."done_ms";

select "node", "namespace", "digest", "number", "done_ms" from "purges" where ("namespace" = $1 and "digest" = $2);

select "node", "namespace", "digest", "number", "done_ms" from "purges" where "node" = $1 and "done_ms" is null order by "number" limit $2;

update "purges" set "done_ms" = (extract(epoch from clock_timestamp()) * 1000)::bigint where "node" = $1 and "namespace" = $2 and "digest" = $3 and "number" = $4;

select distinct "node" from "purges" where "number" > $1 and "number" <= $2 and "done_ms" is null;

delete from "purges" where "done_ms" < (extract(epoch from clock_timestamp()) * 1000)::bigint - $1;

update "leases" set "holder" = $1, "until_ms" = (extract(epoch from clock_timestamp()) * 1000)::bigint + $2 where "name" = $3 and ("holder" = $4 or "until_ms" <= (extract(epoch from clock_timestamp()) * 1000)::bigint);

insert into "leases" ("name", "holder", "until_ms") values ($1, $2, (extract(epoch from clock_timestamp()) * 1000)::bigint + $3) on conflict do nothing;

delete from "leases" where "name" = $1 and "holder" = $2;

select "id", "fingerprint", "outcome" from "commits" where "id" in ($1);

insert into "commits" ("id", "fingerprint", "outcome", "time_ms") values ($1, $2, $3, $4);

delete from "commits" where "id" in ($1);

insert into "commits" ("id", "fingerprint", "outcome", "time_ms") values ($1, $2, $3, $4) on conflict do nothing;

insert into "commits" ("id", "fingerprint", "outcome", "time_ms") values ($1, $2, $3, (extract(epoch from clock_timestamp()) * 1000)::bigint) on conflict do nothing;

select "id" from "commits" where "time_ms" < (extract(epoch from clock_timestamp()) * 1000)::bigint - $1 order by "time_ms" limit $2;

insert into "transactions" ("id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) on conflict ("id") do update set "state" = "excluded"."state", "expires_ms" = "excluded"."expires_ms", "number" = "excluded"."number", "prepared_ms" = "excluded"."prepared_ms", "finished_ms" = "excluded"."finished_ms", "reason" = "excluded"."reason", "changes" = "excluded"."changes", "staged_bytes" = "excluded"."staged_bytes", "steps" = "excluded"."steps", "entry_bytes" = "excluded"."entry_bytes", "by_namespace" = "excluded"."by_namespace", "reserved" = "excluded"."reserved";

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "id" in ($1);

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "state" in ($1, $2);

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "state" = $1 and "reserved" is not null;

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "id" > $1 order by "id" limit $2;

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "state" = $1 and "id" > $2 order by "id" limit $3;

select "id", "owner", "begun_ms", "ttl_ms", "state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason", "changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved" from "transactions" where "state" = $1 and "expires_ms" <= (extract(epoch from clock_timestamp()) * 1000)::bigint order by "expires_ms" limit $2;

update "transactions" set "expires_ms" = (extract(epoch from clock_timestamp()) * 1000)::bigint + "ttl_ms" where "id" = $1 and "state" = $2 and "expires_ms" > (extract(epoch from clock_timestamp()) * 1000)::bigint;

select "id" from "transactions" where "state" in ($1, $2) and "finished_ms" < (extract(epoch from clock_timestamp()) * 1000)::bigint - $3 limit $4;

delete from "transactions" where "id" in ($1) and "state" in ($2, $3);

insert into "locks" ("namespace", "key", "transaction_id") select "namespace", "key", "transaction_id" from "staged" where "transaction_id" = $1 on conflict do nothing;

delete from "locks" where "transaction_id" = $1;

select "locks"."namespace", "locks"."key", "locks"."transaction_id" from "staged" inner join "locks" on "locks"."namespace" = "staged"."namespace" and "locks"."key" = "staged"."key" where "staged"."transaction_id" = $1;

select "namespace", "key", "transaction_id" from "locks" where (("namespace" = $1 and "key" = $2) or ("namespace" = $3 and "key" = $4));

select "namespace", "key", "transaction_id" from "locks" where "namespace" = $1 and "key" >= $2 order by "key" limit $3;

insert into "staged" ("transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13), ($14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26) on conflict ("transaction_id", "namespace", "key") do update set "kind" = "excluded"."kind", "digest" = "excluded"."digest", "size_bytes" = "excluded"."size_bytes", "content_type" = "excluded"."content_type", "metadata" = "excluded"."metadata", "expires" = "excluded"."expires", "min_copies" = "excluded"."min_copies", "placed_on" = "excluded"."placed_on", "staged_at" = "excluded"."staged_at", "seen" = "excluded"."seen";

select "transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen" from "staged" where (("transaction_id" = $1 and "namespace" = $2 and "key" = $3) or ("transaction_id" = $4 and "namespace" = $5 and "key" = $6));

select "transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen" from "staged" where "transaction_id" = $1;

select "transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen" from "staged" where "transaction_id" = $1 order by "namespace", "key" limit $2;

select "transaction_id", "namespace", "key", "kind", "digest", "size_bytes", "content_type", "metadata", "expires", "min_copies", "placed_on", "staged_at", "seen" from "staged" where "transaction_id" = $1 and "namespace" = $2 and "key" >= $3 and "key" < $4 order by "key" limit $5;

delete from "staged" where "transaction_id" = $1;

select "files"."namespace", "files"."key", "files"."number", "files"."digest", "files"."size_bytes", "files"."content_type", "files"."metadata", "files"."modified_ms", "files"."expires_ms" from "staged" inner join "files" on "files"."namespace" = "staged"."namespace" and "files"."key" = "staged"."key" where "staged"."transaction_id" = $1;

select * from "namespaces" where "name" in (select "staged"."namespace" from "staged" where "staged"."transaction_id" = $1);

select count(*) as "files", sum("size_bytes") as "bytes" from "staged" where "min_copies" is not null and placed_on like $1;

select "id", "url", "namespace", "prefix", "position", "failures", "error", "delivered_ms" from "webhooks" order by "id";

insert into "webhooks" ("id", "url", "namespace", "prefix", "position", "failures", "error", "delivered_ms") values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict ("id") do update set "url" = "excluded"."url", "namespace" = "excluded"."namespace", "prefix" = "excluded"."prefix";

delete from "webhooks" where "id" in ($1);

update "webhooks" set "position" = $1, "failures" = $2, "error" = $3, "delivered_ms" = $4 where "id" = $5 and "position" <= $6 and exists (select "last" from "journal_groups" where "last" = $7 and "hash" = $8);
