-- What happened, append-only: decisions of the gate, Informs, changes of the register. Partitioned by time, so that
-- retention drops whole partitions; until ensure_partitions() has made one, rows land in the default partition.

create table admissions (
  device_id uuid not null,
  at timestamptz not null,
  id uuid not null,
  outcome text not null check (outcome in ('admitted', 'refused')),
  stage text,
  reason text,
  detail text,
  peer text not null check (peer = 'known'),
  connection_id text not null,
  listener text not null,
  role text not null,
  remote_address inet,
  remote_port int not null,
  tls_version text,
  cipher_suite text,
  resumed boolean,
  server_name text,
  anchor text,
  identity_kind text,
  identity_value text,
  fingerprint bytea,
  -- Null where the certificate is kept in device_certificates.
  subject text,
  issuer text,
  serial_number text,
  recorded_at timestamptz not null default now(),
  primary key (device_id, at, id),
  check (outcome = 'admitted' or num_nulls(stage, reason, detail) = 0)
) partition by range (at);

create index admissions_by_time on admissions (at, id);
create index admissions_recorded on admissions using brin (recorded_at);

comment on table admissions is 'Decisions about devices of the register: admitted, or refused with the reason.';

create table refusals (
  at timestamptz not null,
  id uuid not null,
  stage text not null,
  reason text not null,
  detail text not null,
  peer text not null check (peer in ('stranger', 'trusted-chain')),
  connection_id text not null,
  listener text not null,
  role text not null,
  remote_address inet,
  remote_port int not null,
  tls_version text,
  cipher_suite text,
  resumed boolean,
  server_name text check (length(server_name) <= 512),
  anchor text,
  identity_kind text,
  identity_value text check (length(identity_value) <= 512),
  fingerprint bytea,
  subject text check (length(subject) <= 4096),
  issuer text check (length(issuer) <= 4096),
  serial_number text check (length(serial_number) <= 128),
  recorded_at timestamptz not null default now(),
  primary key (at, id)
) partition by range (at);

create index refusals_recorded on refusals using brin (recorded_at);

comment on table refusals is 'Refusals without a device of the register; sampled, see refusal_summaries.';

create table refusal_summaries (
  minute timestamptz not null,
  id uuid not null,
  -- A network in CIDR notation; null when the sources were too many to tell apart.
  source inet,
  device_id uuid,
  peer text not null check (peer in ('stranger', 'trusted-chain', 'known')),
  reason text not null,
  -- Decisions of this minute that have no row of their own.
  suppressed bigint not null check (suppressed > 0),
  -- How many sources stand behind a row without one.
  sources bigint not null,
  last_detail text not null,
  recorded_at timestamptz not null default now(),
  primary key (minute, id)
) partition by range (minute);

comment on table refusal_summaries is 'Decisions that were counted and not written one by one, for each minute.';

create table informs (
  device_id uuid not null,
  at timestamptz not null,
  id uuid not null,
  admission_id uuid not null,
  cwmp_version text not null,
  events text[] not null,
  -- CurrentTime as the device wrote it: cells start without true time.
  device_time text not null,
  retry_count int not null,
  max_envelopes int not null,
  software_version text,
  primary key (device_id, at, id)
) partition by range (at);

comment on table informs is 'Every Inform, stored before its InformResponse leaves: one CWMP session each.';

create table changes (
  device_id uuid not null,
  at timestamptz not null,
  id uuid not null,
  -- Who: a person at a door (`cli`), a device that spoke (`device`), a rule of the configuration (`policy`).
  actor_kind text not null check (actor_kind in ('cli', 'rest', 'device', 'policy')),
  actor text not null check (length(actor) between 1 and 512),
  action text not null,
  before jsonb,
  after jsonb,
  reason text check (length(reason) <= 2000),
  recorded_at timestamptz not null default now(),
  primary key (device_id, at, id)
) partition by range (at);

create index changes_by_time on changes (at, id);

comment on table changes is 'Who changed what of a device, written in the transaction of the change.';

create table admissions_default partition of admissions default;
create table refusals_default partition of refusals default;
create table refusal_summaries_default partition of refusal_summaries default;
create table informs_default partition of informs default;
create table changes_default partition of changes default;

-- Evidence is not edited. Row triggers are copied to every partition, present and to come.
create function refuse_edit() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger append_only before update or delete on admissions for each row execute function refuse_edit();
create trigger append_only before update or delete on refusals for each row execute function refuse_edit();
create trigger append_only before update or delete on refusal_summaries for each row execute function refuse_edit();
create trigger append_only before update or delete on changes for each row execute function refuse_edit();
create trigger no_truncate before truncate on admissions for each statement execute function refuse_edit();
create trigger no_truncate before truncate on refusals for each statement execute function refuse_edit();
create trigger no_truncate before truncate on refusal_summaries for each statement execute function refuse_edit();
create trigger no_truncate before truncate on changes for each statement execute function refuse_edit();

-- Makes the partition that holds `at` and those that follow: a month each (two ahead), a day each for informs (seven
-- ahead). Answers how many were made. A period whose first rows already lie in the default partition stays there.
create function ensure_partitions(at timestamptz default now()) returns int
language plpgsql security definer set search_path from current as $$
declare
  plan record;
  first timestamptz;
  made int := 0;
begin
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  for plan in
    select parent, step, unit, format, ahead
      from (values ('admissions', interval '1 month', 'month', 'YYYY_MM', 2),
                   ('refusals', interval '1 month', 'month', 'YYYY_MM', 2),
                   ('refusal_summaries', interval '1 month', 'month', 'YYYY_MM', 2),
                   ('changes', interval '1 month', 'month', 'YYYY_MM', 2),
                   ('informs', interval '1 day', 'day', 'YYYY_MM_DD', 7))
        as p (parent, step, unit, format, ahead)
  loop
    for offset_count in 0 .. plan.ahead loop
      first := (date_trunc(plan.unit, at at time zone 'UTC') + offset_count * plan.step) at time zone 'UTC';
      continue when to_regclass(plan.parent || '_' || to_char(first at time zone 'UTC', plan.format)) is not null;
      begin
        execute format('create table %I partition of %I for values from (%L) to (%L)',
          plan.parent || '_' || to_char(first at time zone 'UTC', plan.format), plan.parent, first,
          (date_trunc(plan.unit, at at time zone 'UTC') + (offset_count + 1) * plan.step) at time zone 'UTC');
        made := made + 1;
      exception when check_violation then
        raise notice 'rows of % already lie in its default partition', plan.parent;
      end;
    end loop;
  end loop;
  return made;
end
$$;
