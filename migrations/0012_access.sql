-- Who may use the management door.

create table api_keys (
  -- Stands in the key itself, so that it is found by one look-up; no secret.
  id text primary key check (id ~ '^[0-9a-f]{16}$'),
  name text not null check (length(name) between 1 and 100),
  -- SHA-256 of 256 random bits: nothing to guess, so nothing to slow down.
  secret_hash bytea not null check (length(secret_hash) = 32),
  role text not null check (role in ('viewer', 'operator', 'administrator', 'auditor')),
  -- Limits the key to the devices with this tag; null: all of them.
  device_group text check (length(device_group) between 1 and 64),
  created_at timestamptz not null,
  created_by text not null check (length(created_by) between 1 and 512),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

-- A name says who it was in the audit, so two keys in force never share one.
create unique index api_keys_name on api_keys (name) where revoked_at is null;

comment on table api_keys is 'Keys of the management door: hashes only. Revoked ones stay, since the audit names them.';

create table access_changes (
  id uuid primary key,
  at timestamptz not null,
  actor_kind text not null check (actor_kind in
    ('cli', 'rest', 'operator', 'key', 'certificate', 'device', 'policy')),
  actor text not null check (length(actor) between 1 and 512),
  action text not null check (action in ('key_created', 'key_revoked')),
  -- Id of the key.
  subject text not null,
  after jsonb,
  reason text check (length(reason) <= 2000),
  recorded_at timestamptz not null default now()
);

comment on table access_changes is 'Who changed who may use the management door, written in the transaction of the change.';

create trigger append_only before update or delete on access_changes for each row execute function refuse_edit();
create trigger no_truncate before truncate on access_changes for each statement execute function refuse_edit();
