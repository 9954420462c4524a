-- Figures of the whole installation, counted by one node for all, and what dashboards ask of the database.

create table fleet_figures (
  name text primary key check (name = 'fleet'),
  at timestamptz not null,
  figures jsonb not null
) with (fillfactor = 50);

comment on table fleet_figures is 'Counts over all devices, made about once a minute by whichever node comes first; every node shows them.';

-- Which known devices are refused now, without reading the admissions of all the others.
create index admissions_refused on admissions (at, device_id) where outcome = 'refused';

create view report.known_refusals as
select a.at, a.id, a.device_id, a.stage, a.reason, a.detail, a.anchor, a.identity_value as identity, a.listener,
       a.remote_address, a.tls_version, a.cipher_suite, encode(a.fingerprint, 'hex') as fingerprint, d.oui,
       d.product_class, d.serial_number, d.state, d.site
  from admissions a left join devices d on d.id = a.device_id
 where a.outcome = 'refused';

create view report.tasks as
select t.device_id, t.id, t.kind, t.state, t.priority, t.not_before, t.expires_at, t.origin_kind, t.created_at,
       t.attempts, t.sent_at, t.finished_at
  from tasks t;

create view report.crls as
select h.origin, h.since, c.anchor, c.issuer, c.number, c.this_update, c.next_update, c.entries, c.size
  from crl_holdings h join crls c on c.fingerprint = h.fingerprint;

create view report.crl_fetches as
select f.url, f.anchor, f.pointer, f.attempted_at, f.fetched_at, f.outcome, f.failures, f.next_at from crl_fetches f;

create view report.quarantined_certificates as
select q.device_id, encode(q.fingerprint, 'hex') as fingerprint, q.first_at, q.last_at, q.cause, q.policy_version,
       q.released_until
  from quarantined_certificates q;

create view report.revocation_changes as
select r.seq, r.at, r.actor_kind, r.actor, r.action, r.subject, r.reason from revocation_changes r;

create view report.figures as select f.at, f.figures from fleet_figures f;
