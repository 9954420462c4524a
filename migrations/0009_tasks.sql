-- What is wanted of devices. A task is a row from the moment it is asked for until long after its outcome is known.

create table tasks (
  device_id uuid not null references devices (id),
  -- Rises with time: the order of the tasks of a device.
  id uuid not null,
  kind text not null check (length(kind) <= 40),
  -- The wish, by kind. What is secret in it is masked once the task is over.
  request jsonb not null,
  -- queued: waits for a session. sent: a request is with the device. in-progress: accepted, the outcome comes later.
  -- unknown-outcome: perhaps carried out, perhaps not; nobody repeats it.
  state text not null check (state in
    ('queued', 'sent', 'in-progress', 'unknown-outcome', 'done', 'failed', 'cancelled', 'expired')),
  -- Higher goes first.
  priority smallint not null default 0,
  not_before timestamptz not null,
  expires_at timestamptz,
  depends_on uuid,
  idempotency_key text check (length(idempotency_key) between 1 and 200),
  origin_kind text not null,
  origin text not null check (length(origin) between 1 and 512),
  created_at timestamptz not null,
  -- What the request that is with the device is for: prepare, work or settle.
  step text check (step in ('prepare', 'work', 'settle')),
  -- How often the wish itself was sent.
  attempts int not null default 0,
  sent_at timestamptz,
  -- The session that has it, or had it last.
  session_id text,
  progress jsonb not null default '{}',
  result jsonb,
  fault jsonb,
  finished_at timestamptz,
  primary key (device_id, id),
  check ((finished_at is null) = (state in ('queued', 'sent', 'in-progress', 'unknown-outcome')))
) with (fillfactor = 80);

create unique index tasks_idempotency on tasks (device_id, idempotency_key) where idempotency_key is not null;
create index tasks_open on tasks (device_id, priority desc, id)
  where state in ('queued', 'sent', 'in-progress', 'unknown-outcome');
create index tasks_dependent on tasks (device_id, depends_on) where depends_on is not null and state = 'queued';
create index tasks_expiring on tasks (expires_at) where state = 'queued' and expires_at is not null;
create index tasks_finished on tasks (finished_at) where finished_at is not null;
create index tasks_by_id on tasks (id);

comment on table tasks is 'Everything wanted of a device: done at least once if it may be repeated, else at most once.';

-- Sessions that are open on some node are told of a new task.
create function tell_of_task() returns trigger language plpgsql as $$
begin
  perform pg_notify('hems_tasks', new.device_id::text);
  return null;
end
$$;

create trigger tell_of_task after insert on tasks for each row execute function tell_of_task();
