-- The last period each scheduled job was queued for, so that it is queued once, whoever queues it.
create table job_slots (
  kind text primary key,
  slot bigint not null
);
grant select, insert, update on job_slots to app_system;
