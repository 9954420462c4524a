-- What devices say of their file transfers, stored before TransferCompleteResponse leaves: with it the device forgets.

create table transfer_completions (
  device_id uuid not null references devices (id),
  -- SHA-256 of what was said. A device that hears no answer says it again in its next session: still one transfer.
  digest bytea not null check (length(digest) = 32),
  -- Of the Download, Upload or Reboot that asked for it; empty where nobody did. As sent, escaped and bounded.
  command_key text collate "C" not null check (length(command_key) <= 256),
  -- 0: it went well.
  fault_code int not null,
  fault_string text not null check (length(fault_string) <= 1024),
  -- As the device wrote them: cells start without true time.
  start_time text not null check (length(start_time) <= 64),
  complete_time text not null check (length(complete_time) <= 64),
  admission_id uuid not null,
  said_at timestamptz not null,
  last_said_at timestamptz not null,
  times_said int not null default 1,
  primary key (device_id, digest)
);

comment on table transfer_completions is
  'Every TransferComplete of a device, once however often it was said; the latest thousand of a device are kept.';
