-- Revocation: the operator's policy in versions, CRLs, the operator's own list, OCSP answers, and the evidence.
-- Whoever changes any of it holds the advisory lock hashtext('revocation') until its commit, so that seq of
-- revocation_changes counts in the order of commits: a node that knows the highest seq knows everything.

create table revocation_changes (
  seq bigint generated always as identity primary key,
  at timestamptz not null,
  actor_kind text not null check (actor_kind in ('cli', 'rest', 'operator', 'key', 'certificate', 'policy')),
  actor text not null check (length(actor) between 1 and 512),
  action text not null check (action in ('policy_applied', 'policy_rolled_back', 'overridden', 'crl_imported',
    'crl_fetched', 'list_imported', 'certificate_revoked', 'certificate_reinstated', 'certificate_released')),
  subject text not null check (length(subject) <= 2048),
  after jsonb,
  reason text check (length(reason) <= 2000),
  recorded_at timestamptz not null default now()
);

comment on table revocation_changes is 'Who changed what of revocation, written in the transaction of the change.';

create table revocation_policies (
  version int primary key check (version > 0),
  -- As written in the policy file, read again by every node.
  document jsonb not null,
  applied_at timestamptz not null,
  applied_by text not null,
  reason text check (length(reason) <= 2000),
  -- The version that a rollback made the next one again.
  restores int references revocation_policies (version)
);

create table revocation_overrides (
  seq bigint generated always as identity primary key,
  at timestamptz not null,
  -- The newest row counts; one whose end is past ends the others.
  until timestamptz not null check (until <= at + interval '24 hours'),
  made_by text not null,
  reason text not null check (length(reason) between 1 and 2000)
);

create table crls (
  fingerprint bytea primary key check (length(fingerprint) = 32),
  -- Under which its signer was verified.
  anchor text not null,
  issuer text not null check (length(issuer) <= 4096),
  -- SHA-256 of issuer name, kind and issuing distribution point: CRLs of one scope replace each other.
  scope bytea not null check (length(scope) = 32),
  number numeric,
  base_number numeric,
  this_update timestamptz not null,
  next_update timestamptz,
  entries int not null,
  size int not null,
  -- DER of CA certificates that came along or verified it.
  signers bytea[] not null default '{}',
  stored_at timestamptz not null
);

create table crl_chunks (
  fingerprint bytea not null references crls (fingerprint) on delete cascade,
  part int not null,
  bytes bytea not null,
  primary key (fingerprint, part)
);

comment on table crl_chunks is 'The DER of CRLs in use, in parts of a mebibyte; what no holding names any more is deleted.';

create table crl_holdings (
  -- `upload`, or the URL that it was fetched from.
  origin text not null check (length(origin) <= 2048),
  scope bytea not null check (length(scope) = 32),
  fingerprint bytea not null references crls (fingerprint),
  since timestamptz not null,
  primary key (origin, scope)
);

create index crl_holdings_by_crl on crl_holdings (fingerprint);

create table crl_fetches (
  url text primary key check (length(url) <= 2048),
  anchor text not null,
  -- Found in a certificate, not named by the operator.
  pointer boolean not null,
  first_seen timestamptz not null,
  attempted_at timestamptz,
  fetched_at timestamptz,
  outcome text,
  detail text check (length(detail) <= 500),
  etag text check (length(etag) <= 500),
  last_modified text check (length(last_modified) <= 100),
  bytes bigint not null default 0,
  failures int not null default 0,
  next_at timestamptz not null
);

create index crl_fetches_by_anchor on crl_fetches (anchor) where pointer;

create table revoked_certificates (
  kind text collate "C" not null check (kind in ('issuer-serial', 'fingerprint', 'identity')),
  -- Normalised, as it is looked up.
  key text collate "C" not null check (length(key) between 1 and 4096),
  seq bigint not null,
  revoked_at timestamptz not null,
  reason text not null,
  note text check (length(note) <= 2000),
  made_by text not null,
  -- Taken back; the row stays for the nodes to learn of it.
  lifted_at timestamptz,
  primary key (kind, key)
);

create index revoked_certificates_by_seq on revoked_certificates (seq);

comment on table revoked_certificates is
  'The operator''s own list: a certificate on it opens nothing, its device stays what it is.';

create table quarantined_certificates (
  device_id uuid not null,
  fingerprint bytea not null check (length(fingerprint) = 32),
  first_at timestamptz not null,
  last_at timestamptz not null,
  cause text not null,
  detail text not null,
  policy_version text not null,
  released_until timestamptz,
  released_by text,
  released_at timestamptz,
  reason text check (length(reason) <= 2000),
  primary key (device_id, fingerprint)
);

create index quarantined_certificates_released on quarantined_certificates (released_until)
  where released_until is not null;

comment on table quarantined_certificates is
  'Known devices that the policy kept outside because no source could say; a person may release each for a time.';

create table ocsp_answers (
  certificate bytea not null check (length(certificate) = 32),
  source text not null check (length(source) <= 2100),
  response bytea not null,
  this_update timestamptz not null,
  next_update timestamptz,
  fetched_at timestamptz not null,
  primary key (certificate, source)
);

comment on table ocsp_answers is 'Verified answers, shared between the nodes; judged again by each that reads them.';

-- What revocation said when the gate decided.
alter table admissions add column verdict jsonb;
alter table refusals add column verdict jsonb;

-- DER of the certificate, for asking who a policy or a CRL would cut off; null until it is shown the next time.
alter table device_certificates add column certificate bytea;

create trigger append_only before update or delete on revocation_changes for each row execute function refuse_edit();
create trigger append_only before update or delete on revocation_policies for each row execute function refuse_edit();
create trigger append_only before update or delete on revocation_overrides for each row execute function refuse_edit();
create trigger no_truncate before truncate on revocation_changes for each statement execute function refuse_edit();
create trigger no_truncate before truncate on revocation_policies for each statement execute function refuse_edit();
create trigger no_truncate before truncate on revocation_overrides for each statement execute function refuse_edit();

-- Open connections of a device that is kept out from now on end at once, whoever changed its state.
create function tell_of_device() returns trigger language plpgsql as $$
begin
  perform pg_notify('hems_devices', new.id || ' ' || new.state);
  return null;
end
$$;

create trigger tell_of_device after update of state on devices for each row
  when (new.state is distinct from old.state and new.state in ('blocked', 'retired', 'quarantined'))
  execute function tell_of_device();
