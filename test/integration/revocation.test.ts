import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import { type RevocationServer, startRevocationServer } from '../../src/simulator/revocation-server.ts';
import { stage as dress, perform, type Props } from '../../src/simulator/scenarios/cast.ts';
import type { Observation } from '../../src/simulator/scenarios/scenario.ts';
import { explainDevice } from '../../src/trust/explain.ts';
import { importEntries, liftEntry, listQuarantined, releaseDevice } from '../../src/trust/revocation/list-store.ts';
import { override } from '../../src/trust/revocation/policy-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { metric, rowsFrom, until } from './evidence.ts';
import { applyPolicy, by, crlOf, holdOpen, importCrls, knownToServer, revoked, serialOf } from './revoking.ts';
import { openStage, type Stage } from './stage.ts';

const uploaded = { kind: 'uploaded-crl' } as const;
const acme = (more: object = {}): object => ({ name: 'acme', sources: [uploaded], ...more });

function admitted(seen: Observation): void {
  assert.deepEqual([seen.informed, seen.complete], [true, true], JSON.stringify(seen));
}

/** Not one byte of HTTP came back, and the audit says why. */
async function refusedAs(stage: Stage, seen: Observation, reason: string, detail: string): Promise<void> {
  assert.deepEqual([seen.informed, seen.statuses, seen.closedBy], [false, [], 'acs'], JSON.stringify(seen));
  const [row] = await rowsFrom(stage.db, seen.localPorts);
  assert.deepEqual([row?.stage, row?.reason, row?.detail, row?.peer], ['revocation', reason, detail, 'known']);
}

async function knownCell(stage: Stage, props: Props = {}, anchor: 'acme' | 'zenith' | 'operator' = 'acme') {
  const device = await stage.known(anchor);
  return { device, cell: await dress(stage.context, device, props) };
}

/** CRLs of both CAs above a device of Acme, with these entries in the lower one. */
async function goodCrls(stage: Stage, ...cells: readonly Femtocell[]): Promise<void> {
  const entries = cells.map((cell) => revoked(cell));
  await importCrls(stage, await crlOf(stage, 'acme-root', []), await crlOf(stage, 'acme-issuing', entries));
}

describe('without a policy', { timeout: 120_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.stop());

  test('revocation is not checked, which is marked, counted and said', async () => {
    const { device, cell } = await knownCell(stage);
    admitted(await perform(cell));
    const [decision] = await explainDevice(stage.db, await stage.deviceId(device), 1);
    assert.deepEqual([decision?.verdict?.version, decision?.verdict?.tolerated], ['none', ['unchecked']]);
    const labels = { anchor: 'acme', tolerance: 'unchecked' };
    assert.equal(await metric(stage.metrics, 'hems_trust_revocation_tolerated_total', labels), 1);
    assert.ok(stage.log.some((line) => line.includes('revocation is not checked for these trust anchors')));
  });

  test('a certificate on the operator’s own list is refused all the same, until it is taken off', async () => {
    const { device, cell } = await knownCell(stage);
    const other = await dress(stage.context, await stage.known());
    const entry = { kind: 'identity', key: device.identity, reason: 'unspecified', revokedAt: new Date() } as const;
    await importEntries(stage.db, [entry], 'test', by, new Date());
    await knownToServer(stage);
    await refusedAs(stage, await perform(cell), 'revoked_crl', 'operator_list');
    admitted(await perform(other));
    assert.equal((await stage.register.show(await stage.deviceId(device)))?.state, 'expected');
    assert.equal(await liftEntry(stage.db, entry, by, new Date()), true);
    await knownToServer(stage);
    admitted(await perform(cell));
  });
});

describe('CRLs that were imported', { timeout: 120_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
    await goodCrls(stage);
    await applyPolicy(stage, [acme()]);
  });
  after(() => stage.stop());

  test('admitted, then a CRL: the open connection is closed and the next handshake refused as revoked_crl', async () => {
    const [{ device, cell }, bystander] = [await knownCell(stage), await knownCell(stage)];
    admitted(await perform(cell));
    const [open, other] = [await holdOpen(stage, cell), await holdOpen(stage, bystander.cell)];
    await importCrls(stage, await crlOf(stage, 'acme-issuing', [revoked(cell)]));
    await open.closed;
    const rows = await rowsFrom(stage.db, [open.port], 2);
    assert.deepEqual(rows.map(({ outcome, reason, detail }) => [outcome, reason, detail]).sort(), [
      ['admitted', null, null],
      ['refused', 'revoked_crl', 'key_compromise'],
    ]);
    assert.equal(other.socket.destroyed, false);
    other.socket.destroy();
    const resumed = await perform(cell);
    assert.equal(resumed.resumed, true);
    await refusedAs(stage, resumed, 'revoked_crl', 'key_compromise');
    await refusedAs(stage, await perform(await anew(stage, cell)), 'revoked_crl', 'key_compromise');
    const [decision] = await explainDevice(stage.db, await stage.deviceId(device), 1);
    const [leaf] = decision?.verdict?.asked ?? [];
    assert.equal(leaf?.certificate, decision?.fingerprint);
    assert.deepEqual([leaf?.answers[0]?.source, leaf?.answers[0]?.kind], ['uploaded-crl', 'revoked']);
    assert.ok(leaf?.answers[0]?.sha256 !== undefined && leaf.answers[0].number !== undefined);
    assert.ok(stage.events.some((event) => event.kind === 'revocation' && event.what === 'connections_closed'));
  });

  test('a hold refuses while it is listed, and no longer', async () => {
    const { cell } = await knownCell(stage);
    await importCrls(stage, await crlOf(stage, 'acme-issuing', [revoked(cell, 'certificateHold')]));
    await refusedAs(stage, await perform(cell), 'revoked_crl', 'certificate_hold');
    await importCrls(stage, await crlOf(stage, 'acme-issuing', []));
    admitted(await perform(cell));
  });

  test('a revoked intermediate takes its devices with it', async () => {
    const { cell } = await knownCell(stage);
    const { certificate } = stage.pki.authorities.find(({ name }) => name === 'acme-issuing')!;
    const { parseCertificate } = await import('../../src/x509/certificate.ts');
    const { serialNumber } = parseCertificate(certificate);
    const entry = { serialNumber, revokedAt: new Date(Date.now() - 1000), reason: 'cACompromise' } as const;
    await importCrls(stage, await crlOf(stage, 'acme-root', [entry]));
    await refusedAs(stage, await perform(cell), 'revoked_crl', 'ca_compromise');
    await importCrls(stage, await crlOf(stage, 'acme-root', []));
    admitted(await perform(cell));
  });

  test('a stale CRL refuses, admits within the grace, and is tolerated for as long as a person says', async () => {
    const { device, cell } = await knownCell(stage);
    const version = await applyPolicy(stage, [acme({ depth: 'end-entity' })]);
    // Newer than those before, and already at its end.
    await importCrls(stage, await crlOf(stage, 'acme-issuing', [], { from: -0.01, to: -0.001 }));
    await refusedAs(stage, await perform(cell), 'revocation_stale', 'stale');
    await applyPolicy(stage, [acme({ depth: 'end-entity', grace: '1h' })]);
    admitted(await perform(cell));
    const [decision] = await explainDevice(stage.db, await stage.deviceId(device), 1);
    assert.deepEqual(decision?.verdict?.tolerated, ['grace']);
    assert.equal(decision?.verdict?.version, String(version + 1));
    await applyPolicy(stage, [acme({ depth: 'end-entity' })]);
    await refusedAs(stage, await perform(cell), 'revocation_stale', 'stale');
    await override(stage.db, new Date(Date.now() + 60_000), by, new Date());
    await knownToServer(stage);
    admitted(await perform(cell));
    await override(stage.db, new Date(), by, new Date());
    await knownToServer(stage);
    await refusedAs(stage, await perform(cell), 'revocation_stale', 'stale');
  });

  test('an older number is refused, whoever brings it', async () => {
    const old = await crlOf(stage, 'acme-root', []);
    await importCrls(stage, await crlOf(stage, 'acme-root', []));
    await assert.rejects(importCrls(stage, old), /came before/);
  });
});

/** The same certificate without the TLS session. */
async function anew(stage: Stage, cell: Femtocell): Promise<Femtocell> {
  const { createFemtocell } = await import('../../src/simulator/femtocell.ts');
  assert.ok(stage.app.doors.length > 0);
  return createFemtocell(cell.options);
}

describe('sources that are asked', { timeout: 180_000 }, () => {
  let stage: Stage;
  let pki: RevocationServer;
  before(async () => {
    stage = await openStage();
    pki = await startRevocationServer({ pki: stage.pki, now: () => new Date() });
  });
  after(async () => {
    await stage.stop();
    await pki.close();
  });

  const ocsp = (more: object = {}): object => ({
    name: 'acme',
    depth: 'end-entity',
    sources: [{ kind: 'operator-ocsp', url: pki.ocspUrl('acme-issuing') }],
    ...more,
  });

  test('a responder says good, then revoked: once admitted, then refused as revoked_ocsp', async () => {
    await applyPolicy(stage, [ocsp()]);
    const [one, other] = [await knownCell(stage), await knownCell(stage)];
    admitted(await perform(one.cell));
    const asked = pki.requests.length;
    admitted(await perform(one.cell));
    assert.equal(pki.requests.length, asked, 'the second session waited for nobody');
    pki.authority('acme-issuing').revoke(serialOf(other.cell), new Date(), 'keyCompromise');
    await refusedAs(stage, await perform(other.cell), 'revoked_ocsp', 'key_compromise');
  });

  for (const [onUnknown, outcome] of [
    ['deny', 'refused'],
    ['quarantine', 'refused'],
    ['admit', 'admitted'],
  ] as const)
    test(`the responder is down and the policy says ${onUnknown}`, async () => {
      await applyPolicy(stage, [ocsp({ onUnknown })]);
      const { device, cell } = await knownCell(stage);
      pki.misbehave('down');
      const seen = await perform(cell);
      pki.misbehave(undefined);
      if (outcome === 'refused') await refusedAs(stage, seen, 'revocation_unavailable', 'unreachable');
      else admitted(seen);
      const [decision] = await until(
        async () => explainDevice(stage.db, await stage.deviceId(device), 1),
        (rows) => rows.length > 0,
        'the decision is recorded',
      );
      assert.equal(decision?.verdict?.outcome, onUnknown);
      const inQuarantine = (await listQuarantined(stage.db, 100)).map(({ device_id }) => device_id);
      assert.equal(inQuarantine.includes(await stage.deviceId(device)), onUnknown === 'quarantine');
    });

  test('a device in quarantine is released by a person, for a time', async () => {
    await applyPolicy(stage, [
      { name: 'acme', depth: 'end-entity', onUnknown: 'quarantine', sources: [{ kind: 'uploaded-crl' }] },
    ]);
    const { device, cell } = await knownCell(stage);
    await refusedAs(stage, await perform(cell), 'revocation_unavailable', 'not_fetched');
    const deviceId = await stage.deviceId(device);
    await until(
      () => releaseDevice(stage.db, deviceId, new Date(Date.now() + 60_000), by, new Date()),
      (count) => count === 1,
      'the device is in quarantine',
    );
    await knownToServer(stage);
    admitted(await perform(cell));
    const [decision] = await explainDevice(stage.db, deviceId, 1);
    assert.deepEqual(decision?.verdict?.tolerated, ['release']);
  });

  const misbehaviours = [
    ['slow', 'revocation_unavailable', 'unreachable'],
    ['huge', 'revocation_unavailable', 'too_large'],
    ['forged', 'revocation_unavailable', 'bad_signature'],
    ['wrong-nonce', 'revocation_unavailable', 'nonce_mismatch'],
    ['no-nonce', 'revocation_unavailable', 'nonce_mismatch'],
    ['unknown', 'ocsp_unknown', 'responder_unknown'],
    ['try-later', 'revocation_unavailable', 'responder_unavailable'],
    ['redirect-inside', 'revocation_unavailable', 'responder_unavailable'],
  ] as const;
  for (const [how, reason, detail] of misbehaviours)
    test(`a responder that is ${how} makes nobody good`, async () => {
      // A server of its own, so that the breaker of the one before does not answer.
      const own = await startRevocationServer({ pki: stage.pki, now: () => new Date() });
      try {
        const url = own.ocspUrl('acme-issuing');
        await applyPolicy(stage, [ocsp({ timeout: '700ms', sources: [{ kind: 'operator-ocsp', url }] })]);
        const { cell } = await knownCell(stage);
        own.misbehave(how);
        await refusedAs(stage, await perform(cell), reason, detail);
      } finally {
        await own.close();
      }
    });

  test('CRLs at the URLs of the policy, and at those that certificates name, are fetched; a revoked one is refused', async () => {
    await applyPolicy(stage, [
      {
        name: 'acme',
        combine: 'first-answer',
        sources: [
          { kind: 'cert-cdp', hosts: [pki.host] },
          { kind: 'manufacturer-crl', url: pki.crlUrl('acme-root') },
        ],
      },
    ]);
    const pointers = { crl: pki.crlUrl('acme-issuing') };
    const [one, other] = [await knownCell(stage, { pointers }), await knownCell(stage, { pointers })];
    pki.authority('acme-issuing').revoke(serialOf(other.cell), new Date(), 'superseded');
    admitted(await perform(one.cell));
    await refusedAs(stage, await perform(other.cell), 'revoked_crl', 'superseded');
    const fetched = pki.requests.filter((request) => request === 'GET /crl/acme-issuing.crl');
    assert.equal(fetched.length, 1, 'once for all');
  });

  test('pointers to hosts that the policy does not list are not followed', async () => {
    await applyPolicy(stage, [
      { name: 'acme', depth: 'end-entity', sources: [{ kind: 'cert-cdp', hosts: ['crl.acme.example'] }] },
    ]);
    const before = pki.requests.length;
    const { cell } = await knownCell(stage, { pointers: { crl: `${pki.crlUrl('acme-issuing')}?inside` } });
    await refusedAs(stage, await perform(cell), 'revocation_unavailable', 'unreachable');
    assert.equal(pki.requests.length, before);
  });

  test('a certificate without pointers has nobody to ask', async () => {
    await applyPolicy(stage, [
      { name: 'acme', depth: 'end-entity', sources: [{ kind: 'cert-aia' }, { kind: 'cert-cdp' }] },
    ]);
    const { cell } = await knownCell(stage);
    await refusedAs(stage, await perform(cell), 'revocation_unavailable', 'no_pointer');
  });
});

describe('two nodes on one database', { timeout: 120_000 }, () => {
  let database: TestDatabase;
  let nodes: readonly [Stage, Stage];
  before(async () => {
    database = await createTestDatabase();
    nodes = [await openStage({ database }), await openStage({ database })];
  });
  after(async () => {
    for (const node of nodes) await node.stop();
    await database.drop();
  });

  test('a CRL imported once closes connections and refuses handshakes on both', async () => {
    const [first, second] = nodes;
    await goodCrls(first);
    await applyPolicy(first, [acme()]);
    await knownToServer(second);
    const device = await first.known();
    const cell = await dress(first.context, device);
    const elsewhere = await dress(second.context, device);
    // The same certificate at both: a device has one.
    const twin = await anewAt(second, cell, elsewhere);
    admitted(await perform(cell));
    const open = await Promise.all([holdOpen(first, cell), holdOpen(second, twin)]);
    await importCrls(first, await crlOf(first, 'acme-issuing', [revoked(cell)]));
    await Promise.all(open.map(({ closed }) => closed));
    await refusedAs(second, await perform(twin), 'revoked_crl', 'key_compromise');
    await refusedAs(first, await perform(cell), 'revoked_crl', 'key_compromise');
  });

  test('what a responder told one node, the other does not ask again', async () => {
    const [first, second] = nodes;
    const pki = await startRevocationServer({ pki: first.pki, now: () => new Date() });
    try {
      const source = { kind: 'operator-ocsp', url: pki.ocspUrl('acme-issuing') };
      await applyPolicy(first, [{ name: 'acme', depth: 'end-entity', sources: [source] }]);
      await knownToServer(second);
      const device = await first.known();
      const cell = await dress(first.context, device);
      admitted(await perform(cell));
      admitted(await perform(await anewAt(second, cell, await dress(second.context, device))));
      assert.equal(pki.requests.length, 1);
    } finally {
      await pki.close();
    }
  });

  async function anewAt(stage: Stage, cell: Femtocell, there: Femtocell): Promise<Femtocell> {
    const { createFemtocell } = await import('../../src/simulator/femtocell.ts');
    assert.ok(stage.app.doors.length > 0);
    const { credentials } = cell.options;
    return createFemtocell({ ...there.options, ...(credentials && { credentials }) });
  }
});
