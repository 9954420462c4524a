import type { TestContext } from 'node:test';
import { Registry } from 'prom-client';
import { manualClock } from '../../src/platform/clock.ts';
import { createEgress } from '../../src/platform/egress/egress.ts';
import type { RevocationServer } from '../../src/simulator/revocation-server.ts';
import { startRevocationServer } from '../../src/simulator/revocation-server.ts';
import { type Authority, findAuthority, mintAuthorities } from '../../src/simulator/development-authorities.ts';
import { extendedKeyUsage, mintCertificate } from '../../src/simulator/certificate-minting.ts';
import { newKeyPair } from '../../src/simulator/key-pairs.ts';
import { createOcspClient, type OcspAsk, type OcspClient, type OcspClientDeps } from '../../src/trust/ocsp-client.ts';
import type { OcspResponder } from '../../src/trust/ocsp-exchange.ts';
import { type Certificate, parseCertificate } from '../../src/x509/certificate.ts';
import { cleanup } from '../support/cleanup.ts';

/** The development PKI's responders on loopback, and a client that asks them. */

export const start = new Date('2026-06-01T12:00:00Z');

let authorities: Promise<readonly Authority[]> | undefined;

export function developmentAuthorities(): Promise<readonly Authority[]> {
  authorities ??= mintAuthorities(start);
  return authorities;
}

export interface OcspWorld {
  readonly client: OcspClient;
  readonly server: RevocationServer;
  readonly clock: ReturnType<typeof manualClock>;
  readonly metrics: Registry;
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  responder(change?: Partial<OcspResponder>): OcspResponder;
  ask(responders?: readonly OcspResponder[], change?: Partial<OcspAsk>): ReturnType<OcspClient['ask']>;
}

export async function ocspWorld(t: TestContext, deps: Partial<OcspClientDeps> = {}): Promise<OcspWorld> {
  const all = await developmentAuthorities();
  const clock = manualClock(start);
  const server = await startRevocationServer({ pki: { authorities: all }, now: () => clock.now() });
  cleanup(t, () => server.close());
  const metrics = new Registry();
  const egress = createEgress({ clock, metrics });
  cleanup(t, () => egress.close());
  const client = createOcspClient({ egress, clock, metrics, ...deps });
  const issuing = findAuthority(all, 'acme-issuing');
  const certificate = await mintDevice(issuing);
  const issuer = parseCertificate(issuing.certificate);
  const responder = (change: Partial<OcspResponder> = {}): OcspResponder => ({
    url: server.ocspUrl('acme-issuing'),
    egress: { privateHosts: [server.host] },
    timeout: 20_000,
    method: 'POST',
    nonce: 'require',
    certIdHash: 'sha1',
    rules: { sha1: 'refuse', maxAge: undefined, grace: 0, configured: [] },
    ...change,
  });
  const ask: OcspWorld['ask'] = (responders = [responder()], change = {}) =>
    client.ask(
      { certificate, issuer, responders, unmarkedDelegates: 'refuse', issuerValidity: 'check', ...change },
      clock.now(),
    );
  return { client, server, clock, metrics, certificate, issuer, responder, ask };
}

async function mintDevice(issuing: Authority): Promise<Certificate> {
  const { publicKey } = await newKeyPair('ec');
  const der = await mintCertificate({
    subject: [['CN', 'device']],
    publicKey,
    issuer: issuing.issuer,
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2046-01-01T00:00:00Z'),
    extensions: [extendedKeyUsage('clientAuth')],
  });
  return parseCertificate(der);
}
