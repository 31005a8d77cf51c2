-- expect: context data-dependent blocks-reads
-- why: periods that overlap
-- base:
create table bookings (id bigint primary key, during daterange);
-- up:
alter table bookings add constraint apart exclude using gist (during with &&);
-- down:
alter table bookings drop constraint apart;
