create table if not exists `migrations` (`number` bigint not null primary key, `applied_ms` bigint not null) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists `cluster` (`id` bigint not null primary key, `cluster_id` varbinary(255) not null, `head_number` bigint not null, `head_hash` binary(32) not null, `time_ms` bigint not null, `lock_count` bigint not null) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists `journal_groups` (`last` bigint not null primary key, `first` bigint not null, `hash` binary(32) not null, `bytes` longblob not null) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists `journal` (`number` bigint not null primary key, `group_last` bigint not null, `kind` varbinary(255) not null, `namespace` varbinary(255), `key` varbinary(1024), `digest` binary(32), `size_bytes` bigint) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists `files` (`namespace` varbinary(255) not null, `key` varbinary(1024) not null, `number` bigint not null, `digest` binary(32) not null, `size_bytes` bigint not null, `content_type` mediumtext not null, `metadata` mediumtext not null, `modified_ms` bigint not null, constraint `files_key` primary key (`namespace`, `key`)) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists `commits` (`id` varbinary(1024) not null primary key, `fingerprint` varbinary(255) not null, `outcome` mediumtext, `time_ms` bigint not null) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create index `commits_by_time` on `commits` (`time_ms`);

create table if not exists `namespaces` (`name` varbinary(255) not null primary key, `min_copies` bigint not null, `url_template` mediumtext, `files` bigint not null, `bytes` bigint not null, `created_ms` bigint not null) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists `nodes` (`id` varbinary(255) not null primary key, `name` varbinary(255) not null, `url` mediumtext not null, `zone` mediumtext not null, `state` varbinary(255) not null, `volumes` mediumtext not null, `joined_at` bigint not null, `backfill_position` bigint not null, `heartbeat_ms` bigint not null, `free_bytes` bigint not null, `total_bytes` bigint not null) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists `debts` (`node` varbinary(255) not null, `namespace` varbinary(255) not null, `digest` binary(32) not null, `size_bytes` bigint not null, `copies` bigint not null, `number` bigint not null, constraint `debts_key` primary key (`node`, `namespace`, `digest`)) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create index `debts_by_urgency` on `debts` (`node`, `copies`, `number`);

create table if not exists `leases` (`name` varbinary(255) not null primary key, `holder` varbinary(255) not null, `until_ms` bigint not null) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists `epochs` (`epoch` bigint not null primary key, `number` bigint not null, `hash` binary(32) not null, `time_ms` bigint not null) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create index `journal_by_digest` on `journal` (`digest`, `namespace`);

alter table `files` add column `expires_ms` bigint;

create index `files_by_expiry` on `files` (`expires_ms`);

create table if not exists `versions` (`namespace` varbinary(255) not null, `key` varbinary(1024) not null, `number` bigint not null, `digest` binary(32) not null, `size_bytes` bigint not null, `content_type` mediumtext not null, `metadata` mediumtext not null, `modified_ms` bigint not null, `expires_ms` bigint, `superseded_by` bigint not null, `superseded_ms` bigint not null, constraint `versions_key` primary key (`namespace`, `key`, `number`)) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create index `versions_by_end` on `versions` (`namespace`, `superseded_by`);

create table if not exists `purges` (`node` varbinary(255) not null, `namespace` varbinary(255) not null, `digest` binary(32) not null, `number` bigint not null, `done_ms` bigint, constraint `purges_key` primary key (`node`, `namespace`, `digest`)) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create index `purges_by_blob` on `purges` (`namespace`, `digest`);

alter table `journal_groups` add column `time_ms` bigint;

create index `groups_by_time` on `journal_groups` (`time_ms`);

alter table `namespaces` add column `retention_ms` bigint;

alter table `namespaces` add column `expire_after_ms` bigint;

alter table `namespaces` add column `horizon` bigint;

update `namespaces` set `horizon` = (select head_number from cluster where id = 1) where `horizon` is null;

create table if not exists `transactions` (`id` varbinary(255) not null primary key, `owner` varbinary(255) not null, `state` varbinary(255) not null, `begun_ms` bigint not null, `ttl_ms` bigint not null, `expires_ms` bigint not null, `number` bigint, `prepared_ms` bigint, `finished_ms` bigint, `reason` varbinary(255), `changes` bigint not null, `staged_bytes` bigint not null, `steps` bigint not null, `entry_bytes` bigint not null, `by_namespace` mediumtext not null) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create index `transactions_by_state` on `transactions` (`state`, `expires_ms`);

create table if not exists `staged` (`transaction_id` varbinary(255) not null, `namespace` varbinary(255) not null, `key` varbinary(1024) not null, `kind` varbinary(255) not null, `digest` binary(32), `size_bytes` bigint, `content_type` mediumtext, `metadata` mediumtext, `expires` mediumtext, `min_copies` bigint, `placed_on` mediumtext not null, `staged_at` bigint not null, `seen` bigint, constraint `staged_key` primary key (`transaction_id`, `namespace`, `key`)) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create index `staged_by_blob` on `staged` (`namespace`, `digest`);

create table if not exists `locks` (`namespace` varbinary(255) not null, `key` varbinary(1024) not null, `transaction_id` varbinary(255) not null, constraint `locks_key` primary key (`namespace`, `key`)) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

create index `locks_by_transaction` on `locks` (`transaction_id`);

create table if not exists `webhooks` (`id` varbinary(255) not null primary key, `url` mediumtext not null, `namespace` varbinary(255), `prefix` varbinary(1024) not null, `position` bigint not null, `failures` bigint not null, `error` mediumtext, `delivered_ms` bigint) engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin;

alter table `namespaces` add column `max_files` bigint;

alter table `namespaces` add column `max_bytes` bigint;

alter table `transactions` add column `reserved` mediumtext;

update `cluster` set `lock_count` = `lock_count` + 1 where `id` = ?;

select `head_number`, `head_hash`, `time_ms`, cast(unix_timestamp(sysdate(3)) * 1000 as signed) as `now_ms`, case when exists (select 1 from debts) then 1 else 0 end as `has_debts`, case when exists (select 1 from journal where digest is not null) then 1 else 0 end as `has_blobs`, (select case when min(epoch) = -2 then min(epoch) else coalesce(max(epoch), 0) end from epochs) as `epoch` from `cluster` where `id` = ?;

select `head_number`, `head_hash`, `time_ms`, (select case when min(epoch) = -2 then min(epoch) else coalesce(max(epoch), 0) end from epochs) as `epoch` from `cluster` where `id` = ?;

select `cluster_id` from `cluster` where `id` = ?;

update `cluster` set `head_number` = ?, `head_hash` = ?, `time_ms` = ? where `id` = ?;

insert ignore into `cluster` (`id`, `cluster_id`, `head_number`, `head_hash`, `time_ms`, `lock_count`) values (?, ?, ?, ?, ?, ?);

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms` from `files` where (`namespace` = ? and `key` = ?);

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms` from `files` where ((`namespace` = ? and `key` = ?) or (`namespace` = ? and `key` = ?));

insert into `files` (`namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`) values (?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?) on duplicate key update `number` = values(`number`), `digest` = values(`digest`), `size_bytes` = values(`size_bytes`), `content_type` = values(`content_type`), `metadata` = values(`metadata`), `modified_ms` = values(`modified_ms`), `expires_ms` = values(`expires_ms`);

delete from `files` where ((`namespace` = ? and `key` = ?) or (`namespace` = ? and `key` = ?));

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms` from `files` where (`files`.`expires_ms` is null or `files`.`expires_ms` > cast(unix_timestamp(sysdate(3)) * 1000 as signed)) and `namespace` = ? and `key` >= ? and `key` < ? order by `key` limit ?;

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms` from `files` where (`files`.`expires_ms` is null or `files`.`expires_ms` > cast(unix_timestamp(sysdate(3)) * 1000 as signed)) and `namespace` = ? and `key` > ? order by `key` limit ?;

select `name`, `min_copies`, `url_template`, `retention_ms`, `expire_after_ms`, `max_files`, `max_bytes`, `files`, `bytes`, `horizon`, `created_ms` from `namespaces` where `name` in (?);

select `name`, `min_copies`, `url_template`, `retention_ms`, `expire_after_ms`, `max_files`, `max_bytes`, `files`, `bytes`, `horizon`, `created_ms` from `namespaces` order by `name`;

insert into `namespaces` (`name`, `min_copies`, `url_template`, `retention_ms`, `expire_after_ms`, `max_files`, `max_bytes`, `files`, `bytes`, `horizon`, `created_ms`) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on duplicate key update `min_copies` = values(`min_copies`), `url_template` = values(`url_template`), `retention_ms` = values(`retention_ms`), `expire_after_ms` = values(`expire_after_ms`), `max_files` = values(`max_files`), `max_bytes` = values(`max_bytes`), `files` = values(`files`), `bytes` = values(`bytes`), `horizon` = values(`horizon`);

delete from `namespaces` where `name` in (?);

select *, cast(unix_timestamp(sysdate(3)) * 1000 as signed) as `now_ms` from `nodes` order by `name`;

insert into `nodes` (`id`, `name`, `url`, `zone`, `state`, `volumes`, `joined_at`, `backfill_position`, `heartbeat_ms`, `free_bytes`, `total_bytes`) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on duplicate key update `name` = values(`name`), `url` = values(`url`), `zone` = values(`zone`), `state` = values(`state`), `volumes` = values(`volumes`), `joined_at` = values(`joined_at`), `backfill_position` = values(`backfill_position`);

update `nodes` set `heartbeat_ms` = cast(unix_timestamp(sysdate(3)) * 1000 as signed), `free_bytes` = ?, `total_bytes` = ? where `id` = ?;

update `nodes` set `backfill_position` = ? where `id` = ? and `backfill_position` < ?;

insert into `debts` (`node`, `namespace`, `digest`, `size_bytes`, `copies`, `number`) values (?, ?, ?, ?, ?, ?) on duplicate key update `copies` = values(`copies`);

delete from `debts` where ((`node` = ? and `namespace` = ? and `digest` = ?) or (`node` = ? and `namespace` = ? and `digest` = ?));

select `node`, `namespace`, `digest`, `size_bytes`, `copies`, `number` from `debts` where `node` = ? order by `copies`, `number` limit ? offset ?;

select `node`, count(*) as `files`, sum(`size_bytes`) as `bytes`, min(`number`) as `oldest` from `debts` group by `node` order by `node`;

select `node`, `namespace`, `digest`, `size_bytes`, `copies`, `number` from `debts` where (`node` > ? or (`node` = ? and `namespace` > ?) or (`node` = ? and `namespace` = ? and `digest` > ?)) order by `node`, `namespace`, `digest` limit ?;

select `namespace`, `digest` from `debts` where ((`node` = ? and `namespace` = ? and `digest` = ?) or (`node` = ? and `namespace` = ? and `digest` = ?));

select count(*) as `files`, sum(`size_bytes`) as `bytes` from (select `namespace`, `digest`, max(`size_bytes`) as `size_bytes` from `debts` where `node` in (?, ?) and not exists (select 1 as `one` from `debts` as `own` where `own`.`node` = ? and `own`.`namespace` = `debts`.`namespace` and `own`.`digest` = `debts`.`digest`) group by `namespace`, `digest` having count(*) >= ?) as `owed`;

select `namespace`, `digest`, max(`size_bytes`) as `size_bytes` from `debts` where `node` in (?, ?) and not exists (select 1 as `one` from `debts` as `own` where `own`.`node` = ? and `own`.`namespace` = `debts`.`namespace` and `own`.`digest` = `debts`.`digest`) group by `namespace`, `digest` having count(*) >= ? order by `namespace`, `digest` limit ?;

select count(*) as `files`, sum(`size_bytes`) as `bytes` from (select `namespace`, `digest`, max(`size_bytes`) as `size_bytes` from `journal` where `digest` is not null group by `digest`, `namespace`) as `blobs`;

select `namespace`, `digest`, max(`size_bytes`) as `size_bytes` from `journal` where `digest` is not null and `digest` >= ? and `digest` <= ? and (`digest` > ? or `namespace` > ?) group by `digest`, `namespace` order by `digest`, `namespace` limit ?;

insert into `journal` (`number`, `group_last`, `kind`, `namespace`, `key`, `digest`, `size_bytes`) values (?, ?, ?, ?, ?, ?, ?);

insert into `journal_groups` (`last`, `first`, `hash`, `bytes`, `time_ms`) values (?, ?, ?, ?, ?);

insert into `journal_groups` (`last`, `first`, `hash`, `bytes`, `time_ms`) values (?, ?, ?, ?, ?), (?, ?, ?, ?, ?);

select `last`, `first`, `hash`, `bytes` from `journal_groups` where `last` > ? order by `last` limit ?;

select `hash` from `journal_groups` where `last` = ?;

select `number`, `namespace`, `digest`, `size_bytes` from `journal` where `number` > ? and `number` <= ? and `digest` is not null order by `number` limit ?;

select max(`epoch`) as `epoch` from `epochs`;

delete from `epochs` where `epoch` = ?;

insert ignore into `epochs` (`epoch`, `number`, `hash`, `time_ms`) values (?, ?, ?, ?);

select `last`, `first`, `hash`, `bytes` from `journal_groups` where `last` >= ? order by `last` limit ?;

select `last`, `time_ms` from `journal_groups` where `time_ms` <= ? order by `time_ms` desc, `last` desc limit ?;

delete from `journal` where `number` in (?);

delete from `journal` where `number` in (?) and `kind` in (?, ?);

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, (select `locks`.`transaction_id` from `locks` where `locks`.`namespace` = `files`.`namespace` and `locks`.`key` = `files`.`key`) as `held_by` from `files` where (`namespace` = ? and `key` = ?) and (`files`.`expires_ms` is null or `files`.`expires_ms` > cast(unix_timestamp(sysdate(3)) * 1000 as signed));

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms` from `files` where `number` <= ? and (`files`.`expires_ms` is null or `files`.`expires_ms` > ?) and `namespace` = ? and `key` >= ? and `key` < ? order by `key` limit ?;

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms` from `files` where `number` > ? and `namespace` = ? and `key` >= ? and `key` < ? order by `key` limit ?;

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms` from `files` where `expires_ms` <= cast(unix_timestamp(sysdate(3)) * 1000 as signed) and not exists (select `locks`.`transaction_id` from `locks` where `locks`.`namespace` = `files`.`namespace` and `locks`.`key` = `files`.`key`) order by `expires_ms` limit ?;

insert into `versions` (`namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, `superseded_by`, `superseded_ms`) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

delete from `versions` where (`namespace` = ? and `key` = ? and `number` = ?);

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, `superseded_by`, `superseded_ms` from `versions` where (`namespace` = ? and `key` = ? and `number` = ?);

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, `superseded_by`, `superseded_ms` from `versions` where (`namespace` = ? and `key` = ?) and `number` = (select max(`newer`.`number`) as `newest` from `versions` as `newer` where `newer`.`namespace` = `versions`.`namespace` and `newer`.`key` = `versions`.`key`);

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, `superseded_by`, `superseded_ms` from `versions` where `namespace` = ? and `key` = ? and `number` < ? and `superseded_by` > ? order by `number` desc limit ?;

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, `superseded_by`, `superseded_ms` from `versions` where `namespace` = ? and `key` = ? and `number` <= ? and `superseded_by` > ? order by `number` desc limit ?;

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, `superseded_by`, `superseded_ms` from `versions` where `number` <= ? and `superseded_by` > ? and (`versions`.`expires_ms` is null or `versions`.`expires_ms` > ?) and `namespace` = ? and `key` >= ? and `key` < ? order by `key` limit ?;

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, `superseded_by`, `superseded_ms` from `versions` where `number` <= ? and `superseded_by` > ? and `namespace` = ? and `key` >= ? and `key` < ? order by `key` limit ?;

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, `superseded_by`, `superseded_ms` from `versions` where `superseded_by` > ? and (not exists (select `newer`.`number` from `versions` as `newer` where `newer`.`namespace` = `versions`.`namespace` and `newer`.`key` = `versions`.`key` and `newer`.`number` > `versions`.`number`) and not exists (select `files`.`number` from `files` where `files`.`namespace` = `versions`.`namespace` and `files`.`key` = `versions`.`key`)) and `namespace` = ? and `key` >= ? and `key` < ? order by `key` limit ?;

select `namespace`, `key`, `number`, `digest`, `size_bytes`, `content_type`, `metadata`, `modified_ms`, `expires_ms`, `superseded_by`, `superseded_ms` from `versions` where `namespace` = ? and `superseded_by` <= ? order by `superseded_by` limit ?;

select `namespace` from `versions` where `namespace` > ? order by `namespace` limit ?;

select count(*) as `files`, sum(`size_bytes`) as `bytes` from `versions`;

select distinct `namespace`, `digest` from `journal` where ((`namespace` = ? and `digest` = ?) or (`namespace` = ? and `digest` = ?)) union select `namespace`, `digest` from `staged` where ((`namespace` = ? and `digest` = ?) or (`namespace` = ? and `digest` = ?));

select `namespace`, `key`, `number` from `journal` where `digest` = ? and `namespace` = ? order by `number` desc limit ?;

select case when exists (select 1 from journal where namespace = ? and digest = ?) or exists (select 1 from staged where namespace = ? and digest = ?) then 1 else 0 end as `is_referenced` from `cluster` where `id` = ?;

insert into `purges` (`node`, `namespace`, `digest`, `number`, `done_ms`) values (?, ?, ?, ?, ?) on duplicate key update `number` = values(`number`), `done_ms` = values(`done_ms`);

select `node`, `namespace`, `digest`, `number`, `done_ms` from `purges` where (`namespace` = ? and `digest` = ?);

select `node`, `namespace`, `digest`, `number`, `done_ms` from `purges` where `node` = ? and `done_ms` is null order by `number` limit ?;

update `purges` set `done_ms` = cast(unix_timestamp(sysdate(3)) * 1000 as signed) where `node` = ? and `namespace` = ? and `digest` = ? and `number` = ?;

select distinct `node` from `purges` where `number` > ? and `number` <= ? and `done_ms` is null;

delete from `purges` where `done_ms` < cast(unix_timestamp(sysdate(3)) * 1000 as signed) - ?;

update `leases` set `holder` = ?, `until_ms` = cast(unix_timestamp(sysdate(3)) * 1000 as signed) + ? where `name` = ? and (`holder` = ? or `until_ms` <= cast(unix_timestamp(sysdate(3)) * 1000 as signed));

insert ignore into `leases` (`name`, `holder`, `until_ms`) values (?, ?, cast(unix_timestamp(sysdate(3)) * 1000 as signed) + ?);

delete from `leases` where `name` = ? and `holder` = ?;

select `id`, `fingerprint`, `outcome` from `commits` where `id` in (?);

insert into `commits` (`id`, `fingerprint`, `outcome`, `time_ms`) values (?, ?, ?, ?);

delete from `commits` where `id` in (?);

insert ignore into `commits` (`id`, `fingerprint`, `outcome`, `time_ms`) values (?, ?, ?, ?);

insert ignore into `commits` (`id`, `fingerprint`, `outcome`, `time_ms`) values (?, ?, ?, cast(unix_timestamp(sysdate(3)) * 1000 as signed));

select `id` from `commits` where `time_ms` < cast(unix_timestamp(sysdate(3)) * 1000 as signed) - ? order by `time_ms` limit ?;

insert into `transactions` (`id`, `owner`, `begun_ms`, `ttl_ms`, `state`, `expires_ms`, `number`, `prepared_ms`, `finished_ms`, `reason`, `changes`, `staged_bytes`, `steps`, `entry_bytes`, `by_namespace`, `reserved`) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on duplicate key update `state` = values(`state`), `expires_ms` = values(`expires_ms`), `number` = values(`number`), `prepared_ms` = values(`prepared_ms`), `finished_ms` = values(`finished_ms`), `reason` = values(`reason`), `changes` = values(`changes`), `staged_bytes` = values(`staged_bytes`), `steps` = values(`steps`), `entry_bytes` = values(`entry_bytes`), `by_namespace` = values(`by_namespace`), `reserved` = values(`reserved`);

select `id`, `owner`, `begun_ms`, `ttl_ms`, `state`, `expires_ms`, `number`, `prepared_ms`, `finished_ms`, `reason`, `changes`, `staged_bytes`, `steps`, `entry_bytes`, `by_namespace`, `reserved` from `transactions` where `id` in (?);

select `id`, `owner`, `begun_ms`, `ttl_ms`, `state`, `expires_ms`, `number`, `prepared_ms`, `finished_ms`, `reason`, `changes`, `staged_bytes`, `steps`, `entry_bytes`, `by_namespace`, `reserved` from `transactions` where `state` in (?, ?);

select `id`, `owner`, `begun_ms`, `ttl_ms`, `state`, `expires_ms`, `number`, `prepared_ms`, `finished_ms`, `reason`, `changes`, `staged_bytes`, `steps`, `entry_bytes`, `by_namespace`, `reserved` from `transactions` where `state` = ? and `reserved` is not null;

select `id`, `owner`, `begun_ms`, `ttl_ms`, `state`, `expires_ms`, `number`, `prepared_ms`, `finished_ms`, `reason`, `changes`, `staged_bytes`, `steps`, `entry_bytes`, `by_namespace`, `reserved` from `transactions` where `id` > ? order by `id` limit ?;

select `id`, `owner`, `begun_ms`, `ttl_ms`, `state`, `expires_ms`, `number`, `prepared_ms`, `finished_ms`, `reason`, `changes`, `staged_bytes`, `steps`, `entry_bytes`, `by_namespace`, `reserved` from `transactions` where `state` = ? and `id` > ? order by `id` limit ?;

select `id`, `owner`, `begun_ms`, `ttl_ms`, `state`, `expires_ms`, `number`, `prepared_ms`, `finished_ms`, `reason`, `changes`, `staged_bytes`, `steps`, `entry_bytes`, `by_namespace`, `reserved` from `transactions` where `state` = ? and `expires_ms` <= cast(unix_timestamp(sysdate(3)) * 1000 as signed) order by `expires_ms` limit ?;

update `transactions` set `expires_ms` = cast(unix_timestamp(sysdate(3)) * 1000 as signed) + `ttl_ms` where `id` = ? and `state` = ? and `expires_ms` > cast(unix_timestamp(sysdate(3)) * 1000 as signed);

select `id` from `transactions` where `state` in (?, ?) and `finished_ms` < cast(unix_timestamp(sysdate(3)) * 1000 as signed) - ? limit ?;

delete from `transactions` where `id` in (?) and `state` in (?, ?);

insert ignore into `locks` (`namespace`, `key`, `transaction_id`) select `namespace`, `key`, `transaction_id` from `staged` where `transaction_id` = ?;

delete from `locks` where `transaction_id` = ?;

select `locks`.`namespace`, `locks`.`key`, `locks`.`transaction_id` from `staged` inner join `locks` on `locks`.`namespace` = `staged`.`namespace` and `locks`.`key` = `staged`.`key` where `staged`.`transaction_id` = ?;

select `namespace`, `key`, `transaction_id` from `locks` where ((`namespace` = ? and `key` = ?) or (`namespace` = ? and `key` = ?));

select `namespace`, `key`, `transaction_id` from `locks` where `namespace` = ? and `key` >= ? order by `key` limit ?;

insert into `staged` (`transaction_id`, `namespace`, `key`, `kind`, `digest`, `size_bytes`, `content_type`, `metadata`, `expires`, `min_copies`, `placed_on`, `staged_at`, `seen`) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on duplicate key update `kind` = values(`kind`), `digest` = values(`digest`), `size_bytes` = values(`size_bytes`), `content_type` = values(`content_type`), `metadata` = values(`metadata`), `expires` = values(`expires`), `min_copies` = values(`min_copies`), `placed_on` = values(`placed_on`), `staged_at` = values(`staged_at`), `seen` = values(`seen`);

select `transaction_id`, `namespace`, `key`, `kind`, `digest`, `size_bytes`, `content_type`, `metadata`, `expires`, `min_copies`, `placed_on`, `staged_at`, `seen` from `staged` where ((`transaction_id` = ? and `namespace` = ? and `key` = ?) or (`transaction_id` = ? and `namespace` = ? and `key` = ?));

select `transaction_id`, `namespace`, `key`, `kind`, `digest`, `size_bytes`, `content_type`, `metadata`, `expires`, `min_copies`, `placed_on`, `staged_at`, `seen` from `staged` where `transaction_id` = ?;

select `transaction_id`, `namespace`, `key`, `kind`, `digest`, `size_bytes`, `content_type`, `metadata`, `expires`, `min_copies`, `placed_on`, `staged_at`, `seen` from `staged` where `transaction_id` = ? order by `namespace`, `key` limit ?;

select `transaction_id`, `namespace`, `key`, `kind`, `digest`, `size_bytes`, `content_type`, `metadata`, `expires`, `min_copies`, `placed_on`, `staged_at`, `seen` from `staged` where `transaction_id` = ? and `namespace` = ? and `key` >= ? and `key` < ? order by `key` limit ?;

delete from `staged` where `transaction_id` = ?;

select `files`.`namespace`, `files`.`key`, `files`.`number`, `files`.`digest`, `files`.`size_bytes`, `files`.`content_type`, `files`.`metadata`, `files`.`modified_ms`, `files`.`expires_ms` from `staged` inner join `files` on `files`.`namespace` = `staged`.`namespace` and `files`.`key` = `staged`.`key` where `staged`.`transaction_id` = ?;

select * from `namespaces` where `name` in (select `staged`.`namespace` from `staged` where `staged`.`transaction_id` = ?);

select count(*) as `files`, sum(`size_bytes`) as `bytes` from `staged` where `min_copies` is not null and placed_on like ?;

select `id`, `url`, `namespace`, `prefix`, `position`, `failures`, `error`, `delivered_ms` from `webhooks` order by `id`;

insert into `webhooks` (`id`, `url`, `namespace`, `prefix`, `position`, `failures`, `error`, `delivered_ms`) values (?, ?, ?, ?, ?, ?, ?, ?) on duplicate key update `url` = values(`url`), `namespace` = values(`namespace`), `prefix` = values(`prefix`);

delete from `webhooks` where `id` in (?);

update `webhooks` set `position` = ?, `failures` = ?, `error` = ?, `delivered_ms` = ? where `id` = ? and `position` <= ? and exists (select `last` from `journal_groups` where `last` = ? and `hash` = ?);
