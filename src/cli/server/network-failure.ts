import { exitCodes, type Failure, failure } from '../failure.ts';

type Words = readonly [cause: string, remedy: string];

const notTrusted: Words = [
  'shows a certificate of a CA that is not trusted here',
  'name the CA that it comes from: --ca FILE, or HEMS_SERVER_CA',
];

const causes: Readonly<Record<string, Words>> = {
  ECONNREFUSED: ['does not listen', 'is the server running, and is this its management port (7548)?'],
  ENOTFOUND: ['has a name that cannot be resolved', 'check the name'],
  EAI_AGAIN: ['has a name that cannot be resolved now', 'check the name, or try again'],
  ETIMEDOUT: ['does not answer', 'is there a firewall in between?'],
  EHOSTUNREACH: ['cannot be reached', 'check the network'],
  ENETUNREACH: ['cannot be reached', 'check the network'],
  ECONNRESET: ['closed the connection', 'a management door with TLS is called by https://; see the log of the server'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: notTrusted,
  CERT_SIGNATURE_FAILURE: notTrusted,
  CERT_HAS_EXPIRED: ['shows a certificate that has expired', 'renew management.tls on the server'],
  CERT_NOT_YET_VALID: ['shows a certificate that is not valid yet', 'check the clock of this machine'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'shows a certificate for another name',
    'call it by a name that stands in its certificate',
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: ['does not speak TLS there', 'a management door without TLS is called by http://'],
  EPROTO: ['does not speak TLS there', 'a management door without TLS is called by http://'],
  HPE_INVALID_CONSTANT: ['does not speak HTTP there', 'a management door with TLS is called by https://'],
};

/** What went wrong before there was an answer. */
export function networkFailure(url: URL, error: unknown): Failure {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const known = causes[code] ?? (/HPE_/.test(code) ? causes.HPE_INVALID_CONSTANT : undefined);
  if (known === undefined)
    return failure(exitCodes.unavailable, `${url.href}: ${message}`, 'see the log of the server');
  return failure(exitCodes.unavailable, `${url.href} ${known[0]} (${code})`, known[1]);
}
