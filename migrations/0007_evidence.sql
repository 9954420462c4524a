-- Evidence that shows when it was touched: every row of the audit is a link of a chain of hashes, whichever statement
-- and whichever door wrote it. A chain belongs to one writer at a time; how many there are is how many wrote at once.

alter table admissions add column chain int, add column link bigint, add column digest bytea;
alter table changes add column chain int, add column link bigint, add column digest bytea;

create index admissions_by_link on admissions (chain, link);
create index changes_by_link on changes (chain, link);

create table suspicions (
  device_id uuid not null,
  at timestamptz not null,
  id uuid not null,
  kind text not null
    check (kind in ('two_keys', 'two_addresses', 'two_claims', 'certificate_twin', 'gone_device_returned')),
  -- What was seen beside what was known.
  evidence jsonb not null,
  recorded_at timestamptz not null default now(),
  chain int,
  link bigint,
  digest bytea,
  primary key (device_id, at, id)
);

create index suspicions_by_time on suspicions (at, id);
create index suspicions_by_link on suspicions (chain, link);

comment on table suspicions is 'Signs that a device is not who it was: for people to look at; nothing is decided by them.';

create trigger append_only before update or delete on suspicions for each row execute function refuse_edit();
create trigger no_truncate before truncate on suspicions for each statement execute function refuse_edit();

create table audit_chains (
  source text not null check (source in ('admissions', 'changes', 'suspicions')),
  chain int not null,
  -- The last row of the chain.
  link bigint not null,
  digest bytea not null check (length(digest) = 32),
  primary key (source, chain)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create sequence audit_chain_numbers as int;

comment on table audit_chains is 'Where each chain of the audit ends. digest = SHA-256(digest before, facts of the row).';

-- Takes a chain that no other transaction is writing, appends the facts, and answers the new link. The chain is held
-- until the transaction ends, so that what is rolled back leaves no gap. From its second row on a transaction goes by
-- its own notes (hems.<source>, gone with the transaction), and the end is written once a statement: a thousand versions
-- of one row would be slow. Called by the triggers below alone, as the owner.
create function append_link(of_source text, facts text, out chain int, out link bigint, out digest bytea)
language plpgsql as $$
declare
  held text := current_setting('hems.' || of_source, true);
begin
  if held is null or held = '' then
    update audit_chains c
       set link = c.link + 1, digest = sha256(c.digest || convert_to(facts, 'UTF8'))
     where c.source = of_source and c.chain = (
       select f.chain from audit_chains f where f.source = of_source order by f.chain limit 1 for update skip locked)
    returning c.chain, c.link, c.digest into chain, link, digest;
    if not found then
      insert into audit_chains as c (source, chain, link, digest)
      values (of_source, nextval('audit_chain_numbers'), 1, sha256(sha256('') || convert_to(facts, 'UTF8')))
      returning c.chain, c.link, c.digest into chain, link, digest;
    end if;
    perform set_config('hems.' || of_source, chain || ' ' || link || ' ' || encode(digest, 'hex') || ' kept', true);
  else
    chain := split_part(held, ' ', 1)::int;
    link := split_part(held, ' ', 2)::bigint + 1;
    digest := sha256(decode(split_part(held, ' ', 3), 'hex') || convert_to(facts, 'UTF8'));
    perform set_config('hems.' || of_source, chain || ' ' || link || ' ' || encode(digest, 'hex') || ' open', true);
  end if;
end
$$;

revoke execute on function append_link(text, text) from public;

-- Behind every statement that appended: the end of the chain, where it is not written yet.
create function keep_chain_end() returns trigger language plpgsql security definer set search_path from current as $$
declare
  held text := current_setting('hems.' || tg_argv[0], true);
begin
  if held like '% open' then
    update audit_chains c
       set link = split_part(held, ' ', 2)::bigint, digest = decode(split_part(held, ' ', 3), 'hex')
     where c.source = tg_argv[0] and c.chain = split_part(held, ' ', 1)::int
       and c.link < split_part(held, ' ', 2)::bigint;
    perform set_config('hems.' || tg_argv[0], replace(held, ' open', ' kept'), true);
  end if;
  return null;
end
$$;

-- A moment as microseconds since 1970: the same text whatever the session's time zone.
create function moment_text(at timestamptz) returns text language sql stable parallel safe
return (extract(epoch from at) * 1000000)::bigint::text;

create function link_admission() returns trigger language plpgsql security definer set search_path from current as $$
begin
  select l.chain, l.link, l.digest into new.chain, new.link, new.digest
    from append_link('admissions', array_to_json(array[
      new.device_id::text, moment_text(new.at), new.id::text, new.outcome, new.stage, new.reason, new.detail, new.peer,
      new.connection_id, new.listener, new.role, new.remote_address::text, new.remote_port::text, new.tls_version,
      new.cipher_suite, new.resumed::text, new.server_name, new.anchor, new.identity_kind, new.identity_value,
      encode(new.fingerprint, 'hex'), new.subject, new.issuer, new.serial_number, moment_text(new.recorded_at)
    ])::text) l;
  return new;
end
$$;

create function link_change() returns trigger language plpgsql security definer set search_path from current as $$
begin
  select l.chain, l.link, l.digest into new.chain, new.link, new.digest
    from append_link('changes', array_to_json(array[
      new.device_id::text, moment_text(new.at), new.id::text, new.actor_kind, new.actor, new.action, new.before::text,
      new.after::text, new.reason, moment_text(new.recorded_at)
    ])::text) l;
  return new;
end
$$;

create function link_suspicion() returns trigger language plpgsql security definer set search_path from current as $$
begin
  select l.chain, l.link, l.digest into new.chain, new.link, new.digest
    from append_link('suspicions', array_to_json(array[
      new.device_id::text, moment_text(new.at), new.id::text, new.kind, new.evidence::text, moment_text(new.recorded_at)
    ])::text) l;
  return new;
end
$$;

create trigger link before insert on admissions for each row execute function link_admission();
create trigger link before insert on changes for each row execute function link_change();
create trigger link before insert on suspicions for each row execute function link_suspicion();
create trigger chain_end after insert on admissions for each statement execute function keep_chain_end('admissions');
create trigger chain_end after insert on changes for each statement execute function keep_chain_end('changes');
create trigger chain_end after insert on suspicions for each statement execute function keep_chain_end('suspicions');

create table audit_checkpoints (
  number bigint primary key,
  at timestamptz not null,
  -- JSON: where every chain ended, what was dropped, and the hash of the statement before. Signed as it stands here.
  statement text not null,
  -- Ed25519, over the bytes of the statement.
  signature bytea not null,
  public_key bytea not null,
  -- Where a copy lies outside; null while none could be written.
  exported_to text
);

comment on table audit_checkpoints is 'Signed statements about the chains of the audit; copies lie outside the database.';

create trigger append_only before update or delete on audit_checkpoints for each row execute function refuse_edit();
create trigger no_truncate before truncate on audit_checkpoints for each statement execute function refuse_edit();

create table audit_dropped (
  source text not null,
  partition text not null,
  chain int not null,
  first_link bigint not null,
  last_link bigint not null,
  -- Digest of the last link, from which the chain goes on.
  digest bytea not null,
  dropped_at timestamptz not null,
  primary key (source, chain, first_link)
);

comment on table audit_dropped is 'Links that went with a partition; believed only where a signed checkpoint says the same.';

create trigger append_only before update or delete on audit_dropped for each row execute function refuse_edit();
create trigger no_truncate before truncate on audit_dropped for each statement execute function refuse_edit();

create table secrets (
  name text primary key check (length(name) between 1 and 200),
  -- Which wrapping key: the beginning of a hash of it.
  key_id text not null,
  nonce bytea not null check (length(nonce) = 12),
  -- AES-256-GCM under the wrapping key, the name as associated data, the tag at the end.
  wrapped bytea not null,
  updated_at timestamptz not null default now()
);

comment on table secrets is 'Secrets at rest, wrapped by HEMS_SECRET_KEY, which never enters the database.';
