import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { anchorPlans } from '../../src/simulator/development-authorities.ts';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { type DeviceFault, type DeviceOrder, issueDevice } from '../../src/simulator/device-certificates.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { isDevelopmentCertificate } from '../../src/x509/development-mark.ts';
import { judgePath, type PathResult } from '../../src/x509/path.ts';
import type { PathAnchor } from '../../src/x509/path-anchor.ts';
import { readPem } from '../../src/x509/pem.ts';
import { profiles } from '../../src/x509/profile.ts';

const root = mkdtempSync(join(tmpdir(), 'hems-judged-'));
const at = new Date();
let pki: DevelopmentPki;
let anchors: PathAnchor[];
before(async () => {
  pki = await createDevelopmentPki(root, at);
  anchors = pki.anchors.map(({ name, certificates }) => ({
    name,
    certificates: certificates
      .flatMap((path) => readPem(readFileSync(path, 'utf8'), 'CERTIFICATE'))
      .map((der) => parseCertificate(der)),
    profile: profiles.hems,
    acceptExpired: false,
  }));
});
after(() => rmSync(root, { recursive: true, force: true }));

async function judge(order: Partial<DeviceOrder>): Promise<PathResult> {
  const device = await issueDevice({
    pki,
    anchor: 'acme',
    identity: '00a0bc123456.hnb.acme.example',
    key: 'ec',
    at,
    ...order,
  });
  return judgePath({ chain: readPem(device.chain, 'CERTIFICATE'), anchors, at });
}

describe('the path judge on what the development PKI issues', () => {
  for (const anchor of ['acme', 'zenith', 'operator'] as const)
    for (const key of ['ec', 'ec-p384', 'rsa'] as const)
      test(`admits a good ${key} device of ${anchor}`, async () => {
        // A stronger key than its issuer's is the profile's to warn of.
        const result = await judge({ anchor, key, identity: `00a0bc000001.${anchorPlans[anchor].realm}` });
        assert.ok(result.ok, JSON.stringify(result));
        assert.equal(result.path.anchorName, anchor);
        assert.ok(isDevelopmentCertificate(result.path.anchor));
        assert.ok(!isDevelopmentCertificate(result.path.leaf));
      });

  const refusals: Partial<Record<DeviceFault, string>> = {
    expired: 'cert_expired',
    'not-yet-valid': 'cert_not_yet_valid',
    'wrong-eku': 'purpose_invalid',
    'sha1-signature': 'weak_signature',
    'md5-signature': 'weak_signature',
    'unknown-ca': 'chain_untrusted',
    'impostor-ca': 'chain_untrusted',
    'no-intermediate': 'chain_incomplete',
    'unknown-critical-extension': 'critical_ext_unknown',
    'path-length': 'chain_untrusted',
    'ca-true-leaf': 'profile_violation',
  };
  for (const [fault, reason] of Object.entries(refusals) as [DeviceFault, string][])
    test(`refuses the fault ${fault} as ${reason}`, async () => {
      const result = await judge({ anchor: 'zenith', faults: [fault] });
      assert.equal(result.ok ? 'admitted' : result.failures[0].reason, reason);
    });

  test('refuses a 1024-bit RSA key as weak', async () => {
    const result = await judge({ key: 'rsa-1024' });
    assert.equal(result.ok ? 'admitted' : result.failures[0].reason, 'weak_key');
  });

  for (const fault of ['no-expiry', 'no-eku', 'cn-only', 'no-identity', 'two-identities', 'foreign-realm'] as const)
    test(`leaves ${fault} to others: the path is good`, async () => {
      const result = await judge({ faults: [fault] });
      assert.ok(result.ok, JSON.stringify(result));
    });
});
