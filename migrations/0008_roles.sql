-- Three roles. hems_owner: owns the schema and migrates it. hems_service: what a server runs as; it reads and writes,
-- and of the evidence it can insert and read only. hems_readonly: the views of `report`, for Grafana and reports.
-- None can log in; logins are made members. Where this user may not create roles they are created beforehand
-- (docs/database.md), and grant_privileges() passes over those that are missing.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['hems_owner', 'hems_service', 'hems_readonly'] loop
    if to_regrole(wanted) is null then
      begin
        execute format('create role %I nologin', wanted);
      exception
        when insufficient_privilege then raise notice 'role % is missing, and this user may not create it', wanted;
        when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
end
$$;

create schema if not exists report;

create view report.devices as
select d.id, d.state, d.state_since, d.origin, d.registered_anchor, d.registered_at, d.oui, d.product_class,
       d.serial_number, d.serial_provenance, d.tags, d.site, d.replaced_by, c.last_inform_at, c.manufacturer,
       c.software_version, c.hardware_version, c.cwmp_version
  from devices d left join device_contact c on c.device_id = d.id;

create view report.identities as select i.device_id, i.anchor, i.kind, i.value, i.linked_at from device_identities i;

create view report.certificates as
select c.device_id, encode(c.fingerprint, 'hex') as fingerprint, c.anchor, c.value as identity, c.state, c.subject,
       c.issuer, c.serial_number, c.not_before, c.not_after, c.first_seen, c.last_seen
  from device_certificates c;

create view report.admissions as
select a.device_id, a.at, a.id, a.outcome, a.stage, a.reason, a.detail, a.listener, a.role, a.remote_address,
       a.tls_version, a.cipher_suite, a.resumed, a.anchor, a.identity_value as identity,
       encode(a.fingerprint, 'hex') as fingerprint
  from admissions a;

create view report.refusals as
select r.at, r.id, r.stage, r.reason, r.detail, r.peer, r.listener, r.role, r.remote_address, r.tls_version,
       r.cipher_suite, r.anchor, r.identity_value as identity, encode(r.fingerprint, 'hex') as fingerprint
  from refusals r;

create view report.refusal_summaries as
select s.minute, s.source, s.device_id, s.peer, s.reason, s.suppressed, s.sources from refusal_summaries s;

create view report.informs as
select i.device_id, i.at, i.id, i.cwmp_version, i.events, i.retry_count, i.software_version from informs i;

create view report.changes as
select c.device_id, c.at, c.id, c.actor_kind, c.actor, c.action, c.before, c.after, c.reason from changes c;

create view report.suspicions as select s.device_id, s.at, s.id, s.kind, s.evidence from suspicions s;

create view report.conflicts as
select k.device_id as claimant, k.holder_id as holder, k.kind, k.oui, k.product_class, k.serial_number, k.first_at,
       k.last_at, k.claims, k.settled_at, k.outcome
  from serial_conflicts k;

-- Run at the end of every migration by its owner: what a later file made is covered too.
create function grant_privileges() returns void language plpgsql set search_path from current as $$
declare
  own text := current_schema();
  tab record;
begin
  if to_regrole('hems_owner') is not null then
    execute format('grant usage, create on schema %I to hems_owner', own);
  end if;
  if to_regrole('hems_service') is not null then
    execute format('grant usage on schema %I to hems_service', own);
    for tab in
      select c.oid::regclass as name, c.relname,
             exists (select from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'append_only') as evidence
        from pg_class c
       where c.relnamespace = own::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
         and pg_has_role(c.relowner, 'usage')
    loop
      if tab.relname in ('hems_migration', 'audit_chains') then
        execute format('grant select on %s to hems_service', tab.name);
      elsif tab.evidence then
        execute format('revoke update, delete, truncate on %s from hems_service', tab.name);
        execute format('grant select, insert on %s to hems_service', tab.name);
      else
        execute format('grant select, insert, update, delete on %s to hems_service', tab.name);
      end if;
    end loop;
  end if;
  if to_regrole('hems_readonly') is not null then
    execute 'grant usage on schema report to hems_readonly';
    for tab in
      select c.oid::regclass as name from pg_class c
       where c.relnamespace = 'report'::regnamespace and c.relkind = 'v' and pg_has_role(c.relowner, 'usage')
    loop
      execute format('grant select on %s to hems_readonly', tab.name);
    end loop;
  end if;
end
$$;

revoke execute on function grant_privileges() from public;
select grant_privileges();
