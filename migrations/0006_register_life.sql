-- The life of a device in the register: tags and site from the shipping file, replacement, who claims whose serial.

alter table devices
  add column tags text[] not null default '{}' check (cardinality(tags) <= 32),
  add column site text check (length(site) between 1 and 200),
  -- The device that took its place; it stays blocked for good.
  add column replaced_by uuid,
  add constraint devices_replaced check (replaced_by is null or state in ('blocked', 'retired'));

create index devices_by_tag on devices using gin (tags);
create index devices_by_site on devices (site, id) where site is not null;

-- Of a certificate that a shipping file or a person named ahead: the first one shown has to be this one.
alter table device_identities add column expected_fingerprint bytea check (length(expected_fingerprint) = 32);

create index device_identities_by_anchor on device_identities (anchor, device_id);

-- The renewal worklist, and whose key this is.
create index device_certificates_by_expiry on device_certificates (not_after, device_id) where state = 'approved';
create index device_certificates_by_key on device_certificates (spki);

create table serial_conflicts (
  -- Who claims the serial, or lost it.
  device_id uuid not null,
  oui text collate "C" not null,
  product_class text collate "C" not null,
  serial_number text collate "C" not null,
  -- Who has it.
  holder_id uuid not null,
  kind text not null check (kind in ('claimed', 'imported_over_learnt')),
  first_at timestamptz not null,
  last_at timestamptz not null,
  claims bigint not null,
  settled_at timestamptz,
  settled_by text,
  outcome text check (outcome in ('holder', 'claimant')),
  reason text check (length(reason) <= 2000),
  primary key (device_id, oui, product_class, serial_number),
  check (num_nulls(settled_at, settled_by, outcome) in (0, 3))
);

create index serial_conflicts_open on serial_conflicts (device_id, oui, product_class, serial_number)
  where settled_at is null;

comment on table serial_conflicts is
  '(OUI, ProductClass, SerialNumber) claimed by one device and held by another; a person settles it.';

-- Who, at the doors to come: an operator by name, an API key, a staff certificate.
alter table changes drop constraint changes_actor_kind_check;
alter table changes add constraint changes_actor_kind_check
  check (actor_kind in ('cli', 'rest', 'operator', 'key', 'certificate', 'device', 'policy'));
