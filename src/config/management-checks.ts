import { isIP } from 'node:net';
import type { ConfigFault } from './fault.ts';
import type { ClientCertificatesConfig, Config, OidcConfig } from './schema.ts';

/** The anchor under which the revocation policy speaks of people's certificates. */
const ownAnchor = 'management';
const key = 'management';

export function managementFaults({ management, anchors }: Config): readonly ConfigFault[] {
  const { address, tls, oidc, clientCertificates } = management;
  return [
    ...(isLoopback(address) || tls !== undefined ? [] : [inTheClear(address)]),
    ...(oidc === undefined ? [] : oidcFaults(oidc)),
    ...(clientCertificates === undefined
      ? []
      : clientCertificateFaults(clientCertificates, tls !== undefined, anchors)),
  ];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Keys and what they open never cross a network in the clear. */
function inTheClear(address: string): ConfigFault {
  const remedy = 'name a certificate: management.tls: { chain: FILE, key: FILE }, or bind to 127.0.0.1';
  return { key: `${key}.tls`, cause: `is missing, and ${address} is beyond loopback`, remedy };
}

const mostSkew = 300_000;

function oidcFaults({ jwks, clockSkew, roles }: OidcConfig): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const url = new URL(jwks);
  // Whoever can change the keys on their way can be anybody.
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1')))
    faults.push({ key: `${key}.oidc.jwks`, cause: 'is not https', remedy: 'write the https URL of the keys' });
  if (clockSkew > mostSkew)
    faults.push({ key: `${key}.oidc.clockSkew`, cause: 'is longer than 5 minutes', remedy: 'write 5m or less' });
  return [
    ...faults,
    ...twice(
      `${key}.oidc.roles`,
      'value',
      roles.map(({ value }) => value),
    ),
  ];
}

function clientCertificateFaults(
  { subjects }: ClientCertificatesConfig,
  tls: boolean,
  anchors: Config['anchors'],
): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (!tls)
    faults.push({
      key: `${key}.clientCertificates`,
      cause: 'needs TLS on the management door',
      remedy: 'name a certificate: management.tls: { chain: FILE, key: FILE }',
    });
  const i = anchors.findIndex(({ name }) => name === ownAnchor);
  if (i >= 0)
    faults.push({
      key: `anchors[${i}].name`,
      cause: `${ownAnchor} is the anchor of management.clientCertificates`,
      remedy: 'give the anchor of the devices another name',
    });
  return [
    ...faults,
    ...twice(
      `${key}.clientCertificates.subjects`,
      'subject',
      subjects.map(({ subject }) => subject),
    ),
  ];
}

function twice(list: string, part: string, values: readonly string[]): readonly ConfigFault[] {
  return values.flatMap((value, i) => {
    const first = values.indexOf(value);
    if (first === i) return [];
    const remedy = 'say once what it means';
    return [{ key: `${list}[${i}].${part}`, cause: `${list}[${first}] is ${value} too`, remedy }];
  });
}
