-- Files: what devices may fetch, what they have sent, and the links by which they do both.

-- Bytes, whoever they belong to. Incomplete, or named by no row of `files` and `device_uploads`, they are swept away.
create table file_contents (
  id uuid primary key,
  -- postgres: in file_chunks. directory: in the shared directory of the configuration, under this id.
  store text not null check (store in ('postgres', 'directory')),
  size bigint check (size >= 0),
  sha256 bytea check (length(sha256) = 32),
  -- Touched while it is being written.
  written_at timestamptz not null,
  check ((size is null) = (sha256 is null))
);

create index file_contents_written on file_contents (written_at);

create table file_chunks (
  content_id uuid not null references file_contents (id) on delete cascade,
  n int not null check (n >= 0),
  bytes bytea not null,
  primary key (content_id, n)
);

-- Images are compressed already: trying it again costs time alone.
alter table file_chunks alter column bytes set storage external;

comment on table file_chunks is 'Content in pieces of equal size, the last one excepted, so that any range is found by its number.';

create table files (
  id uuid primary key,
  name text collate "C" not null unique check (name ~ '^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$'),
  -- As TR-069 has it: `1 Firmware Upgrade Image`.
  file_type text not null check (length(file_type) between 1 and 64),
  -- ProductClass of the devices it is for; null: any.
  product_class text check (length(product_class) between 1 and 64),
  version text check (length(version) between 1 and 64),
  content_id uuid not null references file_contents (id),
  size bigint not null check (size >= 0),
  sha256 bytea not null check (length(sha256) = 32),
  note text check (length(note) <= 2000),
  added_at timestamptz not null,
  added_by text not null check (length(added_by) between 1 and 512)
);

create index files_by_content on files (content_id);

-- For all devices of a model; a link for one device is a row of device_transfers.
create table file_links (
  id uuid primary key,
  file_id uuid not null references files (id) on delete cascade,
  product_class text not null check (length(product_class) between 1 and 64),
  expires_at timestamptz not null,
  created_at timestamptz not null,
  created_by text not null check (length(created_by) between 1 and 512)
);

create index file_links_by_file on file_links (file_id);

-- Who changed what may be fetched.
create table file_changes (
  id uuid primary key,
  at timestamptz not null,
  actor_kind text not null check (actor_kind in
    ('cli', 'rest', 'operator', 'key', 'certificate', 'device', 'policy')),
  actor text not null check (length(actor) between 1 and 512),
  action text not null check (action in ('file_added', 'file_removed', 'link_created', 'link_removed')),
  -- Id of the file.
  subject uuid not null,
  after jsonb,
  reason text check (length(reason) <= 2000),
  recorded_at timestamptz not null default now()
);

create trigger append_only before update or delete on file_changes for each row execute function refuse_edit();
create trigger no_truncate before truncate on file_changes for each statement execute function refuse_edit();

-- What one device is to fetch or to send, and what of it the file door has seen. Its id stands in the link.
create table device_transfers (
  device_id uuid not null references devices (id),
  id uuid not null,
  -- Null: a link without a task, or the first visit by the link of a model.
  task_id uuid,
  direction text not null check (direction in ('download', 'upload')),
  -- What was meant then, whatever becomes of the file.
  file_id uuid,
  content_id uuid,
  name text not null check (length(name) <= 100),
  file_type text not null check (length(file_type) <= 64),
  version text check (length(version) <= 64),
  size bigint,
  sha256 bytea,
  created_at timestamptz not null,
  created_by text not null check (length(created_by) between 1 and 512),
  expires_at timestamptz not null,
  requests int not null default 0,
  started_at timestamptz,
  last_at timestamptz,
  -- Bytes from the first on without a gap: sent to the device, or received of it so far.
  bytes_done bigint not null default 0,
  -- The whole file has gone out, or has come in.
  fetched_at timestamptz,
  -- Why the last request broke off.
  failure text check (length(failure) <= 40),
  upload_id uuid,
  -- The device runs the version of the file.
  applied_at timestamptz,
  primary key (device_id, id)
);

create index device_transfers_by_task on device_transfers (device_id, task_id) where task_id is not null;
create index device_transfers_by_id on device_transfers (id);
create index device_transfers_by_file on device_transfers (file_id) where file_id is not null;
create index device_transfers_created on device_transfers (created_at);

-- What devices have sent, whole.
create table device_uploads (
  device_id uuid not null references devices (id),
  id uuid not null,
  -- Of device_transfers, or the name of a configured slot.
  transfer_id uuid,
  slot text check (length(slot) <= 63),
  name text not null check (length(name) <= 255),
  file_type text not null check (length(file_type) <= 64),
  content_id uuid not null references file_contents (id),
  size bigint not null check (size >= 0),
  sha256 bytea not null check (length(sha256) = 32),
  received_at timestamptz not null,
  admission_id uuid not null,
  primary key (device_id, id),
  check ((transfer_id is null) <> (slot is null))
);

create index device_uploads_by_slot on device_uploads (device_id, slot, received_at) where slot is not null;
create index device_uploads_by_content on device_uploads (content_id);
create index device_uploads_received on device_uploads (received_at);

alter table suspicions drop constraint suspicions_kind_check;
alter table suspicions add constraint suspicions_kind_check
  check (kind in ('two_keys', 'two_addresses', 'two_claims', 'certificate_twin', 'gone_device_returned',
                  'foreign_file_link'));
