-- Long work asked for at a door: who asked, how far it is, what came of it. Any node may do it; whoever does holds a
-- lease, and what a node that is gone had begun another one goes on with.

create table jobs (
  -- Rises with time: the order in which they are taken.
  id uuid primary key,
  kind text not null check (length(kind) between 1 and 40),
  state text not null check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
  -- Tag of the group that whoever asked is kept to; null: all devices.
  device_group text check (length(device_group) between 1 and 64),
  actor_kind text not null,
  actor text not null check (length(actor) between 1 and 512),
  reason text check (length(reason) <= 2000),
  idempotency_key text check (length(idempotency_key) between 1 and 200),
  -- The wish, by kind. What is secret in it is masked once the job has ended.
  input jsonb not null,
  -- Of `done`; null: not known.
  total bigint,
  done bigint not null default 0,
  -- Where it goes on, by kind; written in the transaction of the work itself.
  position jsonb,
  result jsonb not null default '{}',
  fault text check (length(fault) <= 2000),
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  cancel_wanted boolean not null default false,
  -- How often it was begun since it last came any further.
  attempts int not null default 0,
  -- Names the holder; by the clock of the database, for those of the nodes may differ.
  lease uuid,
  lease_until timestamptz,
  check ((finished_at is null) = (state in ('queued', 'running')))
);

create unique index jobs_idempotency on jobs (idempotency_key) where idempotency_key is not null;
create index jobs_open on jobs (id) where state in ('queued', 'running');
create index jobs_finished on jobs (finished_at) where finished_at is not null;

comment on table jobs is 'Work on many devices that a door was asked for; leased to one node at a time.';

-- A file that came with a job, and one that came of it, in parts that fit into memory.
create table job_files (
  job_id uuid not null,
  name text not null check (name in ('input', 'output')),
  part int not null,
  bytes bytea not null,
  stored_at timestamptz not null,
  primary key (job_id, name, part)
);

create index job_files_by_time on job_files (stored_at);

-- One notification tells of up to two hundred devices: a hundred thousand tasks are no hundred thousand notifications.
drop trigger tell_of_task on tasks;

create or replace function tell_of_task() returns trigger language plpgsql as $$
begin
  perform pg_notify('hems_tasks', ids)
    from (select string_agg(device_id::text, ' ') as ids
            from (select device_id, (row_number() over () - 1) / 200 as part from (select distinct device_id from fresh) d) p
           group by part) n;
  return null;
end
$$;

create trigger tell_of_task after insert on tasks referencing new table as fresh
  for each statement execute function tell_of_task();
