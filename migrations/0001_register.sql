-- The register: which devices there are, what their certificates prove, what they have shown.
--
-- A table that belongs to a device has device_id first in its primary key, so that it can be distributed by device.
-- The look-ups across devices (identity_lookup, device_serials, certificate_chains) are small tables of their own and
-- carry no foreign keys. Text that strangers wrote arrives escaped and bounded; the checks are the second fence.

create table devices (
  id uuid primary key,
  state text not null
    check (state in ('expected', 'quarantined', 'held', 'active', 'blocked', 'retired')),
  state_since timestamptz not null,
  -- Who made the record: a person, or the registration mode of an anchor.
  origin text not null check (origin in ('operator', 'quarantine', 'auto')),
  registered_anchor text not null,
  registered_at timestamptz not null,
  -- A copy of the device's row in device_serials, so that a session asks by device id alone.
  oui text,
  product_class text,
  serial_number text,
  serial_provenance text check (serial_provenance in ('imported', 'learnt')),
  serial_since timestamptz,
  note text check (length(note) <= 2000),
  check (num_nulls(oui, product_class, serial_number, serial_provenance, serial_since) in (0, 5))
);

create index devices_by_state on devices (state, id);
-- How many records an anchor's registration mode made in the last hour.
create index devices_by_registration on devices (registered_anchor, registered_at) where origin <> 'operator';

comment on table devices is 'One row a device (DeviceId is our key, never what an Inform says).';
comment on column devices.state is
  'expected: known, not seen yet; quarantined: recorded, waits for a person; held: a new key waits for approval, '
  'approved keys go on; active; blocked; retired: for good.';

create table identity_lookup (
  anchor text collate "C" not null,
  kind text collate "C" not null check (kind in ('hnb-fqdn', 'oui-serial')),
  value text collate "C" not null check (length(value) between 1 and 512),
  device_id uuid not null,
  primary key (anchor, kind, value)
);

create index identity_lookup_by_value on identity_lookup (value);

comment on table identity_lookup is
  'What a certificate proves under one anchor belongs to one device. Linked by people or at registration, never from an Inform.';

create table device_identities (
  device_id uuid not null references devices (id),
  anchor text not null,
  kind text not null,
  value text not null,
  linked_at timestamptz not null,
  linked_by text not null,
  primary key (device_id, anchor, kind, value)
);

create table device_serials (
  oui text collate "C" not null check (length(oui) between 1 and 256),
  product_class text collate "C" not null check (length(product_class) <= 256),
  serial_number text collate "C" not null check (length(serial_number) between 1 and 256),
  device_id uuid not null,
  provenance text not null check (provenance in ('imported', 'learnt')),
  since timestamptz not null,
  primary key (oui, product_class, serial_number),
  constraint device_serials_one_each unique (device_id)
);

-- ProductClass may vary, so two devices that were never imported cannot share OUI and serial under two classes.
create unique index device_serials_learnt on device_serials (oui, serial_number) where provenance = 'learnt';

create index device_serials_by_serial on device_serials (serial_number);

comment on table device_serials is
  '(OUI, ProductClass, SerialNumber) belongs to one device; what was imported beats what was learnt. OUI in upper case.';

create table certificate_chains (
  id bytea primary key check (length(id) = 32),
  -- SHA-256 over the issuer name of the leaf and the fingerprints of the intermediates is the id.
  -- DER of the intermediates of a verified path, lowest first; empty when the anchor issued the leaf.
  certificates bytea[] not null,
  -- SHA-256 of the issuer name of the leaves seen with it: finds the chain of a leaf that was never kept.
  leaf_issuer bytea not null check (length(leaf_issuer) = 32),
  first_seen timestamptz not null
);

create index certificate_chains_by_issuer on certificate_chains (leaf_issuer, first_seen);

comment on table certificate_chains is
  'A resumed TLS session yields the leaf alone: its path is judged again with the intermediates kept here.';

create table device_certificates (
  device_id uuid not null references devices (id),
  fingerprint bytea not null check (length(fingerprint) = 32),
  anchor text not null,
  kind text not null,
  value text not null,
  -- SHA-256 of the SubjectPublicKeyInfo: the same key in a renewed certificate is no new key.
  spki bytea not null check (length(spki) = 32),
  chain_id bytea not null,
  state text not null check (state in ('approved', 'held', 'refused')),
  subject text not null check (length(subject) <= 4096),
  issuer text not null check (length(issuer) <= 4096),
  serial_number text not null check (length(serial_number) <= 128),
  not_before timestamptz not null,
  not_after timestamptz not null,
  first_seen timestamptz not null,
  -- Exact to the hour.
  last_seen timestamptz not null,
  decided_at timestamptz,
  decided_by text,
  primary key (device_id, fingerprint)
);

create index device_certificates_by_fingerprint on device_certificates (fingerprint);
create index device_certificates_held on device_certificates (device_id) where state = 'held';

create table device_contact (
  device_id uuid primary key references devices (id),
  last_inform_at timestamptz not null,
  last_inform_id uuid not null,
  last_events text[] not null,
  listener text not null,
  remote_address inet,
  cwmp_version text not null,
  -- As the device says it, escaped; the binding is in devices.
  manufacturer text not null,
  oui text not null,
  product_class text not null,
  software_version text,
  hardware_version text
) with (fillfactor = 70);

comment on table device_contact is 'What the device last said of itself; written at every Inform, so kept apart and without further indexes.';

create table device_parameters (
  device_id uuid not null references devices (id),
  name text collate "C" not null check (length(name) <= 256),
  value text not null,
  type text not null,
  read_at timestamptz not null,
  primary key (device_id, name)
);
