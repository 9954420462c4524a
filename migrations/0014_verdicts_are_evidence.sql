-- What the sources of revocation said of a certificate is evidence like the decision that it led to: it joins the
-- hashed facts. A row without a verdict keeps the digest that it always had.
create or replace function link_admission() returns trigger language plpgsql security definer set search_path from current as $$
begin
  select l.chain, l.link, l.digest into new.chain, new.link, new.digest
    from append_link('admissions', array_to_json(array[
      new.device_id::text, moment_text(new.at), new.id::text, new.outcome, new.stage, new.reason, new.detail, new.peer,
      new.connection_id, new.listener, new.role, new.remote_address::text, new.remote_port::text, new.tls_version,
      new.cipher_suite, new.resumed::text, new.server_name, new.anchor, new.identity_kind, new.identity_value,
      encode(new.fingerprint, 'hex'), new.subject, new.issuer, new.serial_number, moment_text(new.recorded_at)
    ] || case when new.verdict is null then '{}'::text[] else array[new.verdict::text] end)::text) l;
  return new;
end
$$;
