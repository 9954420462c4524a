-- Who gave the devices which file is evidence as well.

alter table audit_chains drop constraint audit_chains_source_check;
alter table audit_chains add constraint audit_chains_source_check check (source in
  ('admissions', 'changes', 'suspicions', 'revocation_changes', 'access_changes', 'file_changes'));

alter table file_changes add column chain int, add column link bigint, add column digest bytea;

create index file_changes_by_link on file_changes (chain, link);
create index file_changes_by_time on file_changes (at, id);

create function link_file_change() returns trigger language plpgsql security definer set search_path from current as $$
begin
  select l.chain, l.link, l.digest into new.chain, new.link, new.digest
    from append_link('file_changes', array_to_json(array[
      new.id::text, moment_text(new.at), new.actor_kind, new.actor, new.action, new.subject::text, new.after::text,
      new.reason, moment_text(new.recorded_at)
    ])::text) l;
  return new;
end
$$;

create trigger link before insert on file_changes for each row execute function link_file_change();
create trigger chain_end after insert on file_changes for each statement execute function keep_chain_end('file_changes');
