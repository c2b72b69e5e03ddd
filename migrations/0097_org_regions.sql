-- The only regions where an organisation lets its calls be answered, whatever routes say. Empty: any.
alter table orgs add column allowed_regions text[] not null default '{}';
