-- Which nodes there are: what each says of itself, about twice a minute. For people; nothing is decided by it.

create table nodes (
  id uuid primary key,
  name text not null check (length(name) between 1 and 255),
  version text not null check (length(version) <= 100),
  started_at timestamptz not null,
  seen_at timestamptz not null,
  -- Doors, anchors, deviations from the clauses. No secret.
  said jsonb not null
) with (fillfactor = 50);

comment on table nodes is 'Processes of hems that serve this database; one that is silent for two minutes is gone.';

create view report.nodes as
select n.id, n.name, n.version, n.started_at, n.seen_at, n.said -> 'doors' as doors, n.said -> 'deviations' as deviations
  from nodes n;
