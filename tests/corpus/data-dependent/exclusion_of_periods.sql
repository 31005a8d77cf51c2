-- expect: context data-dependent blocks-reads
-- why: overlapping rows
-- base:
create table stays (id bigint primary key, during int4range);
-- up:
alter table stays add constraint apart exclude using gist (during with &&);
-- down:
alter table stays drop constraint apart;
