-- CWMP sessions that may go on at another node, and what was said in those that somebody looks into.

create table cwmp_sessions (
  device_id uuid primary key references devices (id),
  -- SHA-256 of the cookie.
  cookie bytea not null check (length(cookie) = 32),
  fingerprint bytea not null check (length(fingerprint) = 32),
  session jsonb not null,
  expires_at timestamptz not null
) with (fillfactor = 70);

comment on table cwmp_sessions is
  'Open sessions whose connection is gone or whose device owes an answer. An idle session never comes here.';

create table device_traces (
  device_id uuid not null references devices (id),
  id uuid not null,
  until timestamptz not null,
  origin text not null check (length(origin) between 1 and 512),
  primary key (device_id, id)
);

create table device_trace_messages (
  device_id uuid not null references devices (id),
  at timestamptz not null,
  id uuid not null,
  session_id text not null,
  -- from-device, or to-device with the HTTP status.
  direction text not null check (direction in ('from-device', 'to-device')),
  status int,
  -- SOAP with its secrets masked, escaped and cut.
  body text not null check (length(body) <= 70000),
  -- Of the whole message.
  bytes int not null,
  -- From the message of the device to our answer.
  milliseconds real,
  primary key (device_id, at, id)
);

create index device_trace_messages_by_time on device_trace_messages (at);

comment on table device_trace_messages is 'SOAP of traced devices, bounded in number, size and age.';

create table device_notices (
  device_id uuid not null references devices (id),
  -- SHA-256 of what was told: a device that hears no answer tells it again.
  digest bytea not null check (length(digest) = 32),
  kind text not null check (length(kind) <= 40),
  notice jsonb not null,
  at timestamptz not null,
  primary key (device_id, digest)
);

comment on table device_notices is
  'What devices tell besides Inform and TransferComplete: transfers of their own, modules, wishes. The latest hundred of a device.';
