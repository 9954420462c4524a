-- The certificates themselves, apart from what is looked up at every connection: read when somebody asks what a rule
-- would refuse. Written once for each certificate.

create table shown_certificates (
  device_id uuid not null,
  fingerprint bytea not null check (length(fingerprint) = 32),
  -- DER of the leaf.
  certificate bytea not null check (length(certificate) <= 131072),
  primary key (device_id, fingerprint),
  foreign key (device_id, fingerprint) references device_certificates (device_id, fingerprint) on delete cascade
);

comment on table shown_certificates is
  'Leaves that devices have shown by verified paths, for hems certificate survey; none from before this table was there.';
