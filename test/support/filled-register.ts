import type { Database } from '../../src/platform/postgres.ts';

export interface Filling {
  readonly devices: number;
  /** Rows of the audit for each device. */
  readonly audit: number;
  /** Told what is being filled. */
  readonly onStep?: (step: string) => void;
}

/** The id of the n-th device. */
const id = (n: string): string => `('00000000-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

const fqdn = (n: string, anchor: string): string =>
  `'00a0bc' || lpad(to_hex(${n}), 6, '0') || '.hnb.${anchor}.example'`;

/**
 * Fills an empty register by the server itself: each device with an identity of its manufacturer and of the operator,
 * three certificates, a serial, tags and a site. One in a thousand is blocked, one in 500 has a certificate that ends
 * soon, and ten have an OUI and an anchor of their own. The first hundred thousand bear the tag `wave`.
 */
export async function fillRegister(db: Database, { devices, audit, onStep }: Filling): Promise<void> {
  const from = `from generate_series(1, ${devices}) n`;
  const steps: Record<string, string> = {
    devices: `insert into devices (id, state, state_since, origin, registered_anchor, registered_at, oui, product_class,
        serial_number, serial_provenance, serial_since, tags, site)
      select ${id('n')}, case when n % 1000 = 0 then 'blocked' else 'active' end, now(), 'operator', 'acme', now(),
        case when n <= 10 then '00FFFF' else '00A0BC' end, case when n % 700 = 0 then 'Nano' else 'Femto' end, 'SN' || lpad(n::text, 7, '0'), 'imported', now(),
        array['fleet', 'tag-' || n % 1000] || case when n <= 100000 then array['wave'] else '{}' end, 'site-' || n % 5000 ${from}`,
    identity_lookup: `insert into identity_lookup select 'acme', 'hnb-fqdn', ${fqdn('n', 'acme')}, ${id('n')} ${from}
      union all select case when n <= 10 then 'rare' else 'operator' end, 'hnb-fqdn', ${fqdn('n', 'operator')}, ${id('n')} ${from}`,
    device_identities: `insert into device_identities select device_id, anchor, kind, value, now(), 'bench' from identity_lookup`,
    device_serials: `insert into device_serials select oui, product_class, serial_number, id, 'imported', now() from devices`,
    certificate_chains: `insert into certificate_chains values (sha256('chain'), array['chain'::bytea], sha256('issuer'), now())
      on conflict do nothing`,
    device_certificates: `insert into device_certificates (device_id, fingerprint, anchor, kind, value, spki, chain_id, state, subject,
        issuer, serial_number, not_before, not_after, first_seen, last_seen)
      select ${id('n')}, sha256((n || ' ' || c)::bytea), case when c = 1 then 'acme' else 'operator' end, 'hnb-fqdn',
        case when c = 1 then ${fqdn('n', 'acme')} else ${fqdn('n', 'operator')} end, sha256((n || ' key ' || least(c, 2))::bytea),
        sha256('chain'), 'approved', 'CN=' || n, 'CN=Issuing', to_hex(n * 4 + c), '2026-01-01',
        case when n % 500 = 0 and c > 1 then '2026-05-20'::timestamptz else '2030-01-01'::timestamptz + n * interval '1 second' end,
        now(), now()
        ${from}, generate_series(1, 3) c`,
    device_contact: `insert into device_contact (device_id, last_inform_at, last_inform_id, last_events, listener, remote_address,
        cwmp_version, manufacturer, oui, product_class, software_version)
      select id, case when right(id::text, 2) = '77' then '2026-01-01T12:00:00Z' else now() end, gen_random_uuid(),
        array['2 PERIODIC'], 'internet', '192.0.2.1', '1.4', 'Acme', oui, product_class,
        case when right(id::text, 2) = '33' then '0.9' else '1.0' end from devices`,
    device_parameters: `insert into device_parameters (device_id, name, value, type, since)
      select id, 'Device.Services.FAPService.1.CellConfig.LTE.RAN.RF.PhyCellID',
        (('x' || right(id::text, 3))::bit(12)::int % 504)::text, 'xsd:string', now() from devices`,
    changes: `insert into changes (device_id, at, id, actor_kind, actor, action, after)
      select ${id('n')}, now() - a * interval '1 minute', gen_random_uuid(), 'cli', 'bench', 'describe', '{"site": "x"}'
        ${from}, generate_series(1, ${Math.floor(audit / 2)}) a`,
    admissions: `insert into admissions (device_id, at, id, outcome, peer, connection_id, listener, role, remote_address, remote_port,
        anchor, identity_kind, identity_value)
      select ${id('n')}, now() - a * interval '1 minute', gen_random_uuid(), 'admitted', 'known', 'c' || n, 'internet',
        'serving', '192.0.2.1', 40000, 'acme', 'hnb-fqdn', ${fqdn('n', 'acme')} ${from}, generate_series(1, ${Math.ceil(audit / 2)}) a`,
  };
  const { changes = '', admissions = '', ...facts } = steps;
  const run = async (named: Record<string, string>): Promise<void> => {
    for (const [step, text] of Object.entries(named)) {
      onStep?.(step);
      await db.query({ text });
    }
  };
  // One at a time into a table without its further indexes: at a million devices their pages fit in no cache.
  const indexes = await db.query<{ name: string; definition: string }>({
    text: furtherIndexes,
    values: [tablesOf(steps)],
  });
  for (const { name } of indexes.rows) await db.query({ text: `drop index ${name}` });
  await run(facts);
  // The chains of the two are apart, so that they can be written side by side.
  await Promise.all([run({ changes }), run({ admissions })]);
  await run(Object.fromEntries(indexes.rows.map(({ name, definition }) => [name, definition])));
  await run({ analyze: 'analyze' });
}

const tablesOf = (steps: Record<string, string>): string[] => Object.keys(steps);

/** The indexes that hold no constraint; those of a partitioned table stand for its partitions' as well. */
const furtherIndexes = `
  select c.oid::regclass::text as name, replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') as definition
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
   where t.relname = any($1::text[]) and not i.indisunique and not c.relispartition
     and not exists (select from pg_constraint k where k.conindid = c.oid)`;
