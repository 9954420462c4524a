-- How devices were asked to call now, and what came of it.

create table connection_requests (
  device_id uuid not null references devices (id),
  -- Rises with time.
  id uuid not null,
  at timestamptz not null,
  not_before timestamptz not null,
  origin_kind text not null,
  origin text not null check (length(origin) between 1 and 512),
  -- Somebody waits for this task.
  task_id uuid,
  -- waiting: for a node. sending: a node has it. accepted, busy, unauthorized, rejected: the device answered.
  -- no-answer: it did not. refused: by our own rules, nothing was sent. needless: nobody waits any more, nothing was sent.
  -- unsettled: the node that had it is gone, and nobody knows.
  state text not null check (state in ('waiting', 'sending', 'accepted', 'busy', 'unauthorized', 'rejected', 'no-answer',
    'refused', 'needless', 'unsettled')),
  url text check (length(url) <= 2048),
  form text check (form in ('plain', 'digest', 'certificate')),
  status int,
  cause text check (length(cause) <= 40),
  detail text check (length(detail) <= 512),
  remedy text check (length(remedy) <= 512),
  sent_at timestamptz,
  settled_at timestamptz,
  -- The session that the device opened for it, by 6 CONNECTION REQUEST.
  session_at timestamptz,
  inform_id uuid,
  primary key (device_id, id)
) with (fillfactor = 70);

create index connection_requests_open on connection_requests (at) where state in ('waiting', 'sending');
create index connection_requests_sent on connection_requests (sent_at) where sent_at is not null;

comment on table connection_requests is 'The latest fifty of a device.';

create function tell_of_connection_request() returns trigger language plpgsql as $$
begin
  perform pg_notify('hems_connection_requests', new.device_id::text);
  return null;
end
$$;

create trigger tell_of_connection_request after insert on connection_requests
  for each row execute function tell_of_connection_request();

-- What authenticates a connection request where the operator allows digest; never anything else.
create table connection_credentials (
  device_id uuid primary key references devices (id),
  username text not null check (length(username) <= 64),
  -- Wrapped by a key that is itself wrapped by HEMS_SECRET_KEY.
  sealed text not null check (length(sealed) <= 512),
  -- The task that sets them at the device.
  task_id uuid not null,
  made_at timestamptz not null,
  -- The device does not know them, or has forgotten them.
  lost_at timestamptz
);

-- Whether an address is another device's.
create index device_contact_address on device_contact (remote_address);
