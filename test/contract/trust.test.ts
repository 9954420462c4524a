import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mintCrl, type RevokedCertificate } from '../../src/simulator/crl-minting.ts';
import { type OwnAuthority, ownAuthority } from '../integration/production.ts';
import { anchorOf } from './anchor.ts';
import { departure, described } from './contract.ts';
import { type Answered, type ManagementStage, openManagementStage } from './management-stage.ts';

describe('trust over the API', () => {
  let stage: ManagementStage;
  let authority: OwnAuthority;
  before(async () => {
    authority = await ownAuthority('Acme');
    const secretKey = randomBytes(32).toString('base64');
    stage = await openManagementStage(undefined, { anchors: await anchorOf(authority), secretKey });
  });
  after(() => stage.stop());

  /** As the contract says, or the test ends here. */
  function asDocumented(id: string, answer: Answered): Answered {
    const of = described.find(({ operationId }) => operationId === id) ?? assert.fail(id);
    const type = answer.headers.get('content-type') ?? '';
    assert.equal(departure(of, answer.status, type, answer.body), undefined, id);
    return answer;
  }
  const get = async (id: string, path: string) => {
    const answer = asDocumented(id, await stage.ask(path, { key: stage.of.administrator }));
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body as Record<string, never> & { items: Record<string, never>[] };
  };
  const post = async (id: string, path: string, body: unknown, headers?: Record<string, string>) => {
    const key = stage.of.administrator;
    return asDocumented(id, await stage.ask(path, { method: 'POST', key, body, ...(headers && { headers }) }));
  };
  const verification = async (body: unknown) => {
    const asked = await post('verifyAudit', '/api/v1/audit/verify', body);
    assert.equal(asked.status, 202, JSON.stringify(asked.body));
    for (let i = 0; i < 600; i += 1) {
      const job = await get('getJob', asked.headers.get('location') ?? '');
      if (String(job.state) === 'done')
        return job.result as unknown as { rows: number; checkpoints: number; findings: readonly unknown[] };
      await sleep(50);
    }
    return assert.fail('the job came to no end');
  };
  const codeOf = ({ body }: Answered) => (body as { code: string }).code;

  const document = { anchors: [{ name: 'acme', sources: [{ kind: 'uploaded-crl' }], onUnknown: 'admit' }] };
  const policies = '/api/v1/revocation/policies';

  test('a policy is checked, applied, overtaken, taken back and relaxed', async () => {
    assert.equal((await get('getRevocationPolicy', '/api/v1/revocation/policy')).policy, null);
    const checked = await post('checkRevocationPolicy', `${policies}/check`, { document, offline: true });
    assert.deepEqual((checked.body as { unchecked: string[] }).unchecked, []);
    const faulty = await post('checkRevocationPolicy', `${policies}/check`, {
      document: { anchors: [{ name: 'nobody', sources: [{ kind: 'uploaded-crl' }] }] },
    });
    assert.deepEqual([faulty.status, codeOf(faulty)], [422, 'faulty_policy']);
    assert.match(JSON.stringify(faulty.body), /there is no anchor nobody/);
    const first = await post('applyRevocationPolicy', policies, { document, reason: 'go' }, { 'If-Match': '"0"' });
    assert.deepEqual([first.status, first.headers.get('etag')], [201, '"1"']);
    const late = await post('applyRevocationPolicy', policies, { document }, { 'If-Match': '"0"' });
    assert.equal(late.status, 412);
    assert.equal((await post('applyRevocationPolicy', policies, { document }, { 'If-Match': '"1"' })).status, 201);
    const back = await post('restoreRevocationPolicy', `${policies}/1/restore`, { reason: 'back' });
    assert.deepEqual([back.status, (back.body as { version: number }).version], [201, 3]);
    assert.equal((await post('restoreRevocationPolicy', `${policies}/99/restore`, { reason: 'x' })).status, 404);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const override = '/api/v1/revocation/policy/override';
    assert.equal((await post('overrideRevocationPolicy', override, { until, reason: 'responder down' })).status, 200);
    const now = await get('getRevocationPolicy', '/api/v1/revocation/policy');
    assert.match(JSON.stringify(now.override), /responder down/);
    const days = new Date(Date.now() + 48 * 3_600_000).toISOString();
    assert.equal((await post('overrideRevocationPolicy', override, { until: days, reason: 'x' })).status, 422);
    await post('overrideRevocationPolicy', override, { until: null, reason: 'over' });
    assert.equal((await get('getRevocationPolicy', '/api/v1/revocation/policy')).override, null);
    const changes = await get('listRevocationChanges', '/api/v1/revocation/changes');
    assert.equal(changes.items.length, 5);
    assert.match(String(changes.items[0]?.actor), /^administrator +\([0-9a-f]{16}\)$/);
  });

  let numbers = 1;
  const crl = async (entries: readonly RevokedCertificate[], issuer = authority.issuer) => {
    numbers += 1;
    const [thisUpdate, nextUpdate] = [new Date(Date.now() - 60_000), new Date(Date.now() + 3_600_000)];
    const der = await mintCrl({ issuer, entries, number: numbers, thisUpdate, nextUpdate });
    return der.toString('base64');
  };

  test('a CRL is taken in DER or PEM; what is none, a stranger’s and an older one are not', async () => {
    const entry = {
      serialNumber: '0123ab',
      revokedAt: new Date(Date.now() - 60_000),
      reason: 'keyCompromise' as const,
    };
    const older = await crl([]);
    const newer = await crl([entry]);
    const taken = await post('importCrl', '/api/v1/crls', { crl: newer, reason: 'by mail' });
    assert.equal(taken.status, 201, JSON.stringify(taken.body));
    const pem = `-----BEGIN X509 CRL-----\n${newer.replace(/(.{64})/g, '$1\n')}\n-----END X509 CRL-----\n`;
    assert.equal((await post('importCrl', '/api/v1/crls', { crl: pem })).status, 200);
    const back = await post('importCrl', '/api/v1/crls', { crl: older });
    assert.deepEqual([back.status, codeOf(back)], [409, 'rollback']);
    const stranger = (await ownAuthority('Stranger')).issuer;
    const strange = await post('importCrl', '/api/v1/crls', { crl: await crl([], stranger) });
    assert.deepEqual([strange.status, codeOf(strange)], [422, 'unverified']);
    for (const nonsense of ['nonsense', 'AAAA', '-----BEGIN X509 CRL-----\nAA\n-----END X509 CRL-----\n']) {
      const answer = await post('importCrl', '/api/v1/crls', { crl: nonsense });
      assert.deepEqual([answer.status, codeOf(answer)], [422, 'unreadable'], nonsense);
    }
    const [held] = (await get('listCrls', '/api/v1/crls')).items;
    const shown = await get('getCrl', `/api/v1/crls/${held?.fingerprint}`);
    assert.match(JSON.stringify(shown.list), /"serialNumber":"123ab"/);
    assert.equal((await stage.ask(`/api/v1/crls/${'0'.repeat(64)}`, { key: stage.of.viewer })).status, 404);
  });

  test('the operator’s list takes certificates by any name, all or none, and gives them back', async () => {
    const path = '/api/v1/revocation/certificates';
    const certificates = [
      { fingerprint: `${'AB:'.repeat(31)}AB`, reason: 'keyCompromise' },
      { identity: '00a0bc000001.hnb.acme.example' },
      { issuer: 'CN=Acme Root,O=Acme', serialNumber: '0x0017', note: 'by phone' },
    ];
    const put = await post('revokeCertificates', path, { certificates, name: 'list.csv' });
    const { added, known } = put.body as { added: number; known: number };
    assert.deepEqual([put.status, added, known], [200, 3, 0], JSON.stringify(put.body));
    const odd = await post('revokeCertificates', path, { certificates: [...certificates, { serialNumber: '1' }] });
    assert.deepEqual([odd.status, (odd.body as { field: string }).field], [422, 'certificates.3']);
    assert.equal((await get('listRevokedCertificates', path)).items.length, 3);
    const lift = (body: object) => post('reinstateCertificate', `${path}/reinstate`, body);
    assert.equal((await lift({ issuer: 'O=Acme, CN=Acme Root', serialNumber: '17', reason: 'x' })).status, 200);
    assert.equal((await lift({ issuer: 'O=Acme, CN=Acme Root', serialNumber: '17' })).status, 404);
    assert.equal((await lift({})).status, 422);
    await get('listQuarantinedCertificates', '/api/v1/revocation/quarantine');
  });

  test('a key made over the API opens what it says, and nothing after its revocation', async () => {
    const made = await post('createApiKey', '/api/v1/api-keys', { name: 'ticketing', role: 'viewer', group: 'north' });
    const { id, secret } = made.body as { id: string; secret: string };
    assert.equal(made.status, 201);
    assert.equal((await stage.ask('/api/v1/devices', { key: secret })).status, 200);
    const again = await post('createApiKey', '/api/v1/api-keys', { name: 'ticketing', role: 'viewer' });
    assert.deepEqual([again.status, codeOf(again)], [409, 'name_taken']);
    const past = { name: 'past', role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' };
    assert.equal((await post('createApiKey', '/api/v1/api-keys', past)).status, 422);
    assert.ok(!JSON.stringify(await get('listApiKeys', '/api/v1/api-keys')).includes(secret));
    assert.equal((await post('revokeApiKey', `/api/v1/api-keys/${id}/revoke`, { reason: 'left' })).status, 200);
    assert.equal((await stage.ask('/api/v1/devices', { key: secret })).status, 401);
    assert.equal((await post('revokeApiKey', `/api/v1/api-keys/${'0'.repeat(16)}/revoke`, {})).status, 404);
    assert.ok((await get('listRoles', '/api/v1/roles')).items.length === 4);
  });

  test('the audit knows who did all that, is whole, and can be signed', async () => {
    const access = await get('listAuditRecords', '/api/v1/audit/records?kind=access&limit=2');
    assert.deepEqual(
      access.items.map(({ what, why }) => [what, why]),
      [
        ['key_revoked', 'left'],
        ['key_created', null],
      ],
    );
    const next = await get('listAuditRecords', `/api/v1/audit/records?kind=access&limit=2&cursor=${access.next}`);
    assert.notEqual(next.items[0]?.id, access.items[0]?.id);
    const signed = await post('createCheckpoint', '/api/v1/audit/checkpoints', undefined);
    assert.equal(signed.status, 201, JSON.stringify(signed.body));
    const { publicKey } = await get('getCheckpointKey', '/api/v1/audit/key');
    const verified = await verification({ publicKey });
    const { rows, checkpoints, findings } = verified;
    assert.ok(rows > 10 && checkpoints === 1 && findings.length === 0, JSON.stringify(verified));
    assert.equal((await verification({ publicKey: 'AAAA' })).findings.length, 1);
    assert.equal((await post('verifyAudit', '/api/v1/audit/verify', { checkpoints: ['x'] })).status, 422);
  });

  test('decisions are explained, the anchors and certificates of the doors shown', async () => {
    const [north] = stage.devices;
    assert.deepEqual((await get('explainDevice', `/api/v1/devices/${north}/decisions?limit=5`)).items, []);
    const none = await stage.ask(`/api/v1/decisions/${north}`, { key: stage.of.viewer });
    assert.equal(asDocumented('explainDecision', none).status, 404);
    await get('listDecisionLog', '/api/v1/decision-log?since=2026-01-01T00:00:00Z');
    assert.equal((await get('getTrustAnchor', '/api/v1/trust-anchors/acme')).name, 'acme');
    await get('listServerCertificates', '/api/v1/server-certificates');
  });

  test('operators do not change trust, nor make keys', async () => {
    const ask = (path: string, body: unknown) =>
      stage.ask(path, { method: 'POST', key: stage.of.operator, body }).then(({ status }) => status);
    assert.equal(await ask(policies, { document }), 403);
    assert.equal(await ask('/api/v1/api-keys', { name: 'mine', role: 'administrator' }), 403);
  });
});
