import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { secondLockErrors, secondLockObjection } from '../../src/trust/second-lock.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { judgePath } from '../../src/x509/path.ts';
import {
  by,
  type Cell,
  handshake,
  newCell,
  newEui,
  newNode,
  newPki,
  now,
  type Pki,
  trustAnchors,
  verdict,
} from './world.ts';

describe('the second lock: what OpenSSL says of a path that hems accepts', () => {
  let database: TestDatabase;
  let pki: Pki;
  let cell: Cell;
  before(async () => {
    [database, pki] = await Promise.all([createTestDatabase(), newPki()]);
    const node = await newNode(database.db, pki);
    const value = `${newEui()}.hnb.acme.example`;
    await node.register.add({ identity: { anchor: 'acme', kind: 'hnb-fqdn', value, oui: '00A0BC' } }, by);
    cell = await newCell(pki, { dnsNames: [value] });
    await node.gate.close();
  });
  after(() => database.drop());

  async function judged(mode: 'enforce' | 'count' | 'off', secondLock: string) {
    const node = await newNode(database.db, pki, { secondLock: mode });
    const outcome = verdict(await node.gate.admit(handshake(cell.chain, { secondLock })));
    const metrics = await node.metrics.getSingleMetricAsString('hems_trust_second_lock_total');
    await node.gate.close();
    return { outcome, counted: /\} 1$/m.test(metrics) };
  }

  test('enforce: refuses, with the error as detail, and the device is still one of ours', async () => {
    const { outcome, counted } = await judged('enforce', 'CERT_SIGNATURE_FAILURE');
    assert.equal(outcome, 'second_lock/openssl_cert_signature_failure/known');
    assert.ok(counted);
  });

  test('count: admits and counts', async () => {
    assert.deepEqual(await judged('count', 'CERT_SIGNATURE_FAILURE'), { outcome: 'admitted', counted: true });
  });

  test('off: admits', async () => {
    assert.deepEqual(await judged('off', 'CERT_SIGNATURE_FAILURE'), { outcome: 'admitted', counted: false });
  });

  test('a word that nobody knows objects; CRLs and host names were not asked about', async () => {
    assert.equal((await judged('enforce', 'SOMETHING_NEW')).outcome, 'second_lock/openssl_unspecified/known');
    for (const word of ['UNABLE_TO_GET_CRL', 'CRL_HAS_EXPIRED', 'HOSTNAME_MISMATCH'])
      assert.equal((await judged('enforce', word)).outcome, 'admitted');
  });

  test('what RFC 5280 allows and OpenSSL does not is no objection', async () => {
    const anchors = await trustAnchors(pki);
    const pathOf = (chain: readonly Buffer[], pathAnchors = anchors.map(({ path }) => path)) => {
      const result = judgePath({ chain, anchors: pathAnchors, at: now });
      assert.ok(result.ok);
      return result.path;
    };
    const plain = pathOf(cell.chain);
    for (const error of secondLockErrors) assert.equal(secondLockObjection(error, plain, now), error);
    // An anchor that is not self-signed.
    const [acme] = anchors;
    const issuing = pki.authorities.acme.issuing;
    assert.ok(acme !== undefined && issuing !== undefined);
    const rootless = pathOf(cell.chain, [{ ...acme.path, certificates: [parseCertificate(issuing)] }]);
    assert.equal(secondLockObjection('UNABLE_TO_GET_ISSUER_CERT', rootless, now), undefined);
    assert.equal(secondLockObjection('INVALID_PURPOSE', rootless, now), 'INVALID_PURPOSE');
    // An anchor outside its validity, which the operator accepts.
    const late = new Date('2099-01-01T00:00:00Z');
    assert.equal(secondLockObjection('CERT_HAS_EXPIRED', plain, late), undefined);
    assert.equal(secondLockObjection('CERT_SIGNATURE_FAILURE', plain, late), 'CERT_SIGNATURE_FAILURE');
    // anyExtendedKeyUsage alone.
    const any = {
      ...plain,
      leaf: { ...plain.leaf, extensions: { ...plain.leaf.extensions, extKeyUsage: ['2.5.29.37.0'] } },
    };
    assert.equal(secondLockObjection('INVALID_PURPOSE', any, now), undefined);
  });
});
