import type { DeviceFault } from '../device-certificates.ts';
import { type Cast, known, type Props, perform, role, stage } from './cast.ts';
import type { TlsVersion } from '../tls-client.ts';
import type { Scenario, Step } from './scenario.ts';

interface BadCertificate {
  readonly name: string;
  readonly title: string;
  readonly reason: string;
  readonly props: Props;
}

const fault = (name: DeviceFault, title: string, reason: string): BadCertificate => ({
  name,
  title,
  reason,
  props: { faults: [name] },
});

const badCertificates: readonly BadCertificate[] = [
  fault('unknown-ca', 'A CA nobody knows', 'chain_untrusted'),
  fault('impostor-ca', 'An impostor CA (a known name, another key)', 'chain_untrusted'),
  fault('no-intermediate', 'An incomplete chain', 'chain_incomplete'),
  fault('expired', 'An expired certificate', 'cert_expired'),
  fault('not-yet-valid', 'A certificate not yet valid', 'cert_not_yet_valid'),
  fault('wrong-eku', 'A certificate for servers', 'purpose_invalid'),
  { name: 'rsa-1024', title: 'A 1024-bit RSA key', reason: 'weak_key', props: { key: 'rsa-1024' } },
  fault('sha1-signature', 'A certificate signed with SHA-1', 'weak_signature'),
  fault('unknown-critical-extension', 'A critical extension nobody can process', 'critical_ext_unknown'),
];

export const refused = (label: string, reason: string, more: Partial<Step['expect']> = {}): Step => ({
  label,
  door: 'main',
  expect: { outcome: 'refused', reason, ...more },
});

/**
 * Known devices whose certificate is wrong in one way; over TLS 1.2 and 1.3, since only in the latter the client
 * believes the handshake done before the ACS has judged.
 */
export function badCertificateScenarios(cast: Cast): Scenario[] {
  return [...badCertificates.map((bad) => badCertificate(cast, bad)), withoutCertificate(cast), basicInstead(cast)];
}

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

/** `TLS 1.2` of `TLSv1.2`. */
export const spoken = (version: TlsVersion): string => version.replace('v', ' ');

function badCertificate(cast: Cast, { name, title, reason, props }: BadCertificate): Scenario {
  const device = role(cast, 'zenith');
  return {
    name,
    title,
    prepare: known(device),
    steps: versions.map((version) => refused(spoken(version), reason)),
    run: (context) =>
      Promise.all(
        versions.map(async (version) => perform(await stage(context, device, { ...props, tls: { version } }))),
      ),
  };
}

function withoutCertificate(cast: Cast): Scenario {
  const device = role(cast, 'acme');
  return {
    name: 'no-certificate',
    title: 'No certificate',
    prepare: known(device),
    steps: versions.map((version) => refused(spoken(version), 'no_client_cert')),
    run: (context) =>
      Promise.all(
        versions.map(async (version) => perform(await stage(context, device, { bare: true, tls: { version } }))),
      ),
  };
}

export const basicCredentials = `Basic ${Buffer.from('00A0BC-FAP-123456:femto').toString('base64')}`;

/** TS 33.320 8.3.4: shared secrets are no authentication; nothing of them is even read here. */
function basicInstead(cast: Cast): Scenario {
  const device = role(cast, 'acme');
  return {
    name: 'no-certificate-basic',
    title: 'No certificate, but HTTP Basic',
    prepare: known(device),
    steps: versions.map((version) => refused(spoken(version), 'no_client_cert')),
    run: (context) =>
      Promise.all(
        versions.map(async (version) => {
          const cell = await stage(context, device, { bare: true, tls: { version } });
          return perform(cell, { authorization: basicCredentials });
        }),
      ),
  };
}
