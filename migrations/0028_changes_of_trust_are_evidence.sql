-- Who changed what revocation says, and who may use the management door, is evidence like what became of the devices:
-- both join the chains. And a person's rows are found by the name.

alter table audit_chains drop constraint audit_chains_source_check;
alter table audit_chains add constraint audit_chains_source_check
  check (source in ('admissions', 'changes', 'suspicions', 'revocation_changes', 'access_changes'));

alter table revocation_changes add column chain int, add column link bigint, add column digest bytea;
alter table access_changes add column chain int, add column link bigint, add column digest bytea;

create index revocation_changes_by_link on revocation_changes (chain, link);
create index revocation_changes_by_time on revocation_changes (at, seq);
create index access_changes_by_link on access_changes (chain, link);
create index access_changes_by_time on access_changes (at, id);

-- Devices make changes of their own (what they learnt, a claim that varies): a name for each of a million of them.
create index changes_by_person on changes (actor, at, id) where actor_kind <> 'device';

-- The number of a change of revocation as the id that other evidence has.
create function id_of_number(number bigint) returns uuid language sql immutable strict parallel safe
return ('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid;

create function link_revocation_change() returns trigger language plpgsql security definer set search_path from current as $$
begin
  select l.chain, l.link, l.digest into new.chain, new.link, new.digest
    from append_link('revocation_changes', array_to_json(array[
      new.seq::text, moment_text(new.at), new.actor_kind, new.actor, new.action, new.subject, new.after::text, new.reason,
      moment_text(new.recorded_at)
    ])::text) l;
  return new;
end
$$;

create function link_access_change() returns trigger language plpgsql security definer set search_path from current as $$
begin
  select l.chain, l.link, l.digest into new.chain, new.link, new.digest
    from append_link('access_changes', array_to_json(array[
      new.id::text, moment_text(new.at), new.actor_kind, new.actor, new.action, new.subject, new.after::text, new.reason,
      moment_text(new.recorded_at)
    ])::text) l;
  return new;
end
$$;

create trigger link before insert on revocation_changes for each row execute function link_revocation_change();
create trigger link before insert on access_changes for each row execute function link_access_change();
create trigger chain_end after insert on revocation_changes for each statement
  execute function keep_chain_end('revocation_changes');
create trigger chain_end after insert on access_changes for each statement
  execute function keep_chain_end('access_changes');
