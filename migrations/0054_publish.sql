-- The publisher gives outbox rows consecutive versions, in a transaction of its own, before it sends
-- anything.
alter table outbox add constraint outbox_version_key unique (version);

-- The newest version given. One row.
create table config_versions (
  singleton boolean constraint config_versions_pkey primary key default true
    constraint config_versions_singleton_check check (singleton),
  version bigint not null
);
insert into config_versions (version) values (0);

revoke all on config_versions from public;
grant select, update on config_versions to app_system;
