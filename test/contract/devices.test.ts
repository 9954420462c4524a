import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Answered, by, type ManagementStage, openManagementStage } from './management-stage.ts';

interface Problem {
  readonly code: string;
  readonly field?: string;
}

const fingerprint = 'c4'.repeat(32);

describe('devices by the API', () => {
  let stage: ManagementStage;
  before(async () => {
    stage = await openManagementStage();
  });
  after(() => stage.stop());

  const ask = (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
    key = stage.of.operator,
  ) => stage.ask(path, { method, key, ...(body !== undefined && { body }), ...(headers && { headers }) });
  const codeOf = ({ status, body }: Answered) => [status, (body as Problem).code];
  const lastChange = async (deviceId: string) => {
    const audit = await stage.ask(`/api/v1/audit?deviceId=${deviceId}&limit=1`, { key: stage.of.auditor });
    return (audit.body as { items: { action: string; actorKind: string; reason: string | null }[] }).items[0];
  };
  const enrol = async (n: string) => {
    const made = await ask('POST', '/api/v1/devices', { anchor: 'acme', identity: `00a0bc${n}.hnb.acme.example` });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    return (made.body as { id: string }).id;
  };

  test('tags, site and note are changed by whoever has seen the device as it is, and by nobody else', async () => {
    const path = `/api/v1/devices/${await enrol('0000a1')}`;
    const seen = await ask('GET', path);
    const etag = seen.headers.get('etag') ?? '';
    assert.deepEqual(codeOf(await ask('PATCH', path, { site: 'Ulm' })), [428, 'precondition_required']);
    const change = { tags: ['pilot', 'north'], site: 'Ulm', reason: 'moved' };
    const changed = await ask('PATCH', path, change, { 'If-Match': etag });
    assert.equal(changed.status, 200, JSON.stringify(changed.body));
    const { tags, site, note } = changed.body as Record<string, unknown>;
    assert.deepEqual({ tags, site, note }, { tags: ['north', 'pilot'], site: 'Ulm', note: null });
    assert.equal((await ask('GET', path)).headers.get('etag'), changed.headers.get('etag'));
    const stale = await ask('PATCH', path, { site: 'Bonn' }, { 'If-Match': etag });
    assert.deepEqual([...codeOf(stale), (stale.body as Problem).field], [412, 'precondition_failed', 'If-Match']);
    const { action, actorKind, reason } = (await lastChange(path.slice(-36))) ?? assert.fail();
    assert.deepEqual([action, actorKind, reason], ['describe', 'key', 'moved']);
    const cleared = await ask('PATCH', path, { site: null }, { 'If-Match': '*' });
    assert.equal((cleared.body as { site: null }).site, null);
  });

  test('a key of a group cannot take a device out of its group', async () => {
    const path = `/api/v1/devices/${stage.devices[0]}`;
    const headers = { 'If-Match': '*' };
    const out = await ask('PATCH', path, { tags: ['south'] }, headers, stage.north.operator);
    assert.deepEqual([...codeOf(out), (out.body as Problem).field], [422, 'group_tag', 'tags']);
    assert.equal((await ask('PATCH', path, { tags: ['north', 'x'] }, headers, stage.north.operator)).status, 200);
  });

  test('an identity is linked, listed and taken away; the last one stays', async () => {
    const id = await enrol('0000a2');
    const path = `/api/v1/devices/${id}/identities`;
    const identity = '00a0bc0000a2.hnb.operator.example';
    assert.deepEqual(codeOf(await ask('POST', path, { anchor: 'acme', identity })), [422, 'unprocessable']);
    assert.equal((await ask('POST', path, { anchor: 'operator', identity })).status, 201);
    assert.equal((await ask('POST', path, { anchor: 'operator', identity })).status, 200);
    const listed = (await ask('GET', path)).body as { items: { anchor: string; linkedAt: string }[] };
    assert.deepEqual(
      listed.items.map(({ anchor }) => anchor),
      ['acme', 'operator'],
    );
    assert.match(listed.items[0]?.linkedAt ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.equal((await ask('DELETE', `${path}/operator/${identity}`)).status, 400);
    assert.equal((await ask('DELETE', `${path}/operator/${identity}?reason=gone`)).status, 200);
    const last = await ask('DELETE', `${path}/acme/00a0bc0000a2.hnb.acme.example?reason=gone`);
    assert.deepEqual(codeOf(last), [409, 'last_identity']);
  });

  test('a certificate is named ahead and forgotten again, each time with an audit row', async () => {
    const id = await enrol('0000a3');
    const path = `/api/v1/devices/${id}/certificates`;
    assert.equal((await ask('POST', path, { fingerprint, reason: 'delivery note' })).status, 200);
    assert.equal((await lastChange(id))?.action, 'expect_certificate');
    assert.equal((await ask('DELETE', `${path}/${fingerprint}?reason=lost`)).status, 200);
    assert.equal((await lastChange(id))?.action, 'refuse_certificate');
    assert.deepEqual(codeOf(await ask('DELETE', `${path}/${fingerprint}?reason=lost`)), [404, 'certificate_missing']);
    assert.deepEqual((await ask('GET', path)).body, { items: [] });
  });

  test('a device is replaced by another of the same group only, rebound, and handed over with its records', async () => {
    const [old, young] = [await enrol('0000a4'), await enrol('0000a5')];
    const [north, south] = stage.devices;
    const foreign = await ask(
      'POST',
      `/api/v1/devices/${north}/replace`,
      { successor: south, reason: 'x' },
      {},
      stage.north.operator,
    );
    assert.deepEqual([...codeOf(foreign), (foreign.body as Problem).field], [422, 'unprocessable', 'successor']);
    const replaced = await ask('POST', `/api/v1/devices/${old}/replace`, { successor: young, reason: 'burnt' });
    assert.deepEqual(replaced.body, { id: old, state: 'blocked', changed: true });
    assert.equal((await ask('POST', `/api/v1/devices/${young}/rebind`, { fingerprint, reason: 'board' })).status, 200);
    const gone = await ask('POST', `/api/v1/devices/${young}/handover`, { reason: 'sold' });
    const { records } = gone.body as { records: { identity: string; fingerprint: string }[] };
    assert.deepEqual([records.length, records[0]?.fingerprint], [1, fingerprint]);
    assert.equal(((await ask('GET', `/api/v1/devices/${young}`)).body as { state: string }).state, 'retired');
    assert.deepEqual(codeOf(await ask('POST', `/api/v1/devices/${young}/handover`, { reason: 'sold' })), [
      409,
      'wrong_state',
    ]);
  });

  test('nothing is released that is not quarantined, and nothing for longer than a year', async () => {
    const path = `/api/v1/devices/${stage.devices[0]}/release`;
    const until = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    assert.deepEqual(codeOf(await ask('POST', path, { until: until(1), reason: 'x' })), [404, 'nothing_to_release']);
    assert.deepEqual(codeOf(await ask('POST', path, { until: until(400), reason: 'x' })), [422, 'unprocessable']);
    await stage.db.query({
      text: `insert into quarantined_certificates values ($1, sha256('x'), now(), now(), 'unreachable', 'd', '1')`,
      values: [stage.devices[0]],
    });
    assert.equal(
      ((await ask('POST', path, { until: until(1), reason: 'x' })).body as { certificates: number }).certificates,
      1,
    );
  });

  test('a conflict is settled by a person', async () => {
    const [claimant, holder] = [await enrol('0000a6'), await enrol('0000a7')];
    await stage.db.query({
      text: `insert into serial_conflicts (device_id, oui, product_class, serial_number, holder_id, kind, first_at, last_at, claims)
             values ($1, '00A0BC', 'Femto', 'S1', $2, 'claimed', now(), now(), 1)`,
      values: [claimant, holder],
    });
    const settle = () =>
      ask('POST', `/api/v1/conflicts/${claimant}/settle`, { inFavourOf: 'claimant', reason: 'label read' });
    assert.equal((await settle()).status, 200);
    assert.deepEqual(codeOf(await settle()), [404, 'no_conflict']);
    const device = (await ask('GET', `/api/v1/devices/${claimant}`)).body as { serialNumber: string };
    assert.equal(device.serialNumber, 'S1');
  });

  test('every order goes through all devices, page by page, and no cursor fits another order', async () => {
    for (const [i, deviceId] of stage.devices.entries())
      await stage.db.query({
        text: `insert into device_contact (device_id, last_inform_at, last_inform_id, last_events, listener, cwmp_version,
                 manufacturer, oui, product_class, software_version)
               values ($1, $2, gen_random_uuid(), '{}', 'internet', '1.4', 'Acme', '00A0BC', 'Femto', '1.${i}')`,
        values: [deviceId, new Date(Date.UTC(2026, 0, 1, 12 - i, 7))],
      });
    const walk = async (sort: string) => {
      const found: string[] = [];
      for (let cursor = ''; ; ) {
        const page = await ask('GET', `/api/v1/devices?limit=1&fields=id&sort=${sort}${cursor}`);
        const { items, next } = page.body as { items: { id: string }[]; next?: string };
        found.push(...items.map(({ id }) => id));
        if (next === undefined) return found;
        cursor = `&cursor=${next}`;
      }
    };
    const all = await walk('registered');
    assert.ok(all.length >= 2);
    assert.deepEqual(await walk('-registered'), all.toReversed());
    assert.deepEqual((await walk('stateSince')).toSorted(), all.toSorted());
    assert.deepEqual(await walk('lastInform'), stage.devices.toReversed());
    assert.deepEqual(await walk('-lastInform'), stage.devices);
    const { next } = (await ask('GET', '/api/v1/devices?limit=1')).body as { next: string };
    assert.equal((await ask('GET', `/api/v1/devices?sort=stateSince&cursor=${next}`)).status, 400);
  });

  test('devices are found by what they said, and not by what is secret or personal', async () => {
    const [north, south] = stage.devices;
    await stage.db.query({
      text: `insert into device_parameters (device_id, name, value, type, since)
             values ($1, 'Device.X.PhyCellID', '17', 'xsd:int', now()), ($2, 'Device.X.PhyCellID', '18', 'xsd:int', now())`,
      values: [north, south],
    });
    const ids = async (query: string, key?: string) => {
      const { status, body } = await ask('GET', `/api/v1/devices?${query}`, undefined, {}, key);
      assert.equal(status, 200, JSON.stringify(body));
      return (body as { items: { id: string }[] }).items.map(({ id }) => id);
    };
    assert.deepEqual(await ids('parameter=Device.X.PhyCellID%3D18'), [south]);
    assert.deepEqual(await ids('parameter=Device.X.PhyCellID%3D18', stage.north.viewer), []);
    assert.deepEqual(await ids('softwareVersion=1.1'), [south]);
    assert.deepEqual(await ids('informedBefore=2026-01-01T12:00:00Z'), [south]);
    assert.deepEqual(await ids('informedAfter=2026-01-01T12:00:00%2B00:00'), [north]);
    assert.deepEqual(await ids('model=None'), []);
    const personal = await ask('GET', '/api/v1/devices?parameter=Device.X.IMSI%3D001010000000001');
    assert.deepEqual([...codeOf(personal), (personal.body as Problem).field], [400, 'invalid', 'parameter']);
  });

  test('the register knows who changed it: the key', async () => {
    const added = await stage.register.add(
      { identity: { anchor: 'acme', kind: 'hnb-fqdn', value: '00a0bc0000a9.hnb.acme.example', oui: '00A0BC' } },
      by,
    );
    assert.ok(added.ok);
    assert.equal((await lastChange(added.deviceId))?.actorKind, 'cli');
  });
});
