import { type CipherSuite, isSignallingValue, suiteById } from './cipher-suites.ts';
import type { ClientHello } from './client-hello.ts';
import type { DoorDetail } from './tls-failure.ts';
import type { TlsPolicy } from './tls-profile.ts';

/** The key types of server certificates; `EC-P-256` and its like name the curve, which a client must accept too. */
export type KeyType = 'RSA' | 'EC-P-256' | 'EC-P-384' | 'EC-P-521';

export type HelloClass =
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'protocol_version' | 'rc4_only_client' | 'null_only_client' | 'no_shared_cipher';
      readonly detail: DoorDetail;
    };

const tls12 = 0x0303;
const tls13 = 0x0304;

/** Suites by their name in the registry; GREASE and the SCSVs are none, a number that nobody registered is. */
function offeredSuites(hello: ClientHello): (CipherSuite | undefined)[] {
  return hello.cipherSuites.filter((id) => !isSignallingValue(id)).map(suiteById);
}

function everyIs(suites: readonly (CipherSuite | undefined)[], encryption: RegExp): boolean {
  return suites.length > 0 && suites.every((suite) => suite !== undefined && encryption.test(suite.encryption));
}

/** The versions that both sides speak; a TLS 1.2 message without the extension offers all that is older, too. */
function sharedVersions(hello: ClientHello, policy: TlsPolicy): { tls12: boolean; tls13: boolean } {
  const { minVersion, maxVersion } = policy.context;
  return {
    tls12: minVersion === 'TLSv1.2' && hello.versions.includes(tls12),
    tls13: maxVersion === 'TLSv1.3' && hello.versions.includes(tls13),
  };
}

const signsWith = (suite: CipherSuite): 'RSA' | 'EC' => (suite.keyExchange.endsWith('ECDSA') ? 'EC' : 'RSA');

const curveOf: Readonly<Record<KeyType, { group: number; signature: number } | undefined>> = {
  RSA: undefined,
  'EC-P-256': { group: 0x0017, signature: 0x0403 },
  'EC-P-384': { group: 0x0018, signature: 0x0503 },
  'EC-P-521': { group: 0x0019, signature: 0x0603 },
};
const ecdsaSignatures = [0x0403, 0x0503, 0x0603];
const pssSignatures = [0x0804, 0x0805, 0x0806];

function canUse(hello: ClientHello, policy: TlsPolicy, keyType: KeyType): boolean {
  const shared = sharedVersions(hello, policy);
  const common = policy.suites.filter(({ id }) => hello.cipherSuites.includes(id));
  const signatures = hello.signatureAlgorithms;
  const curve = curveOf[keyType];
  if (shared.tls13 && common.some(({ version }) => version === 'TLSv1.3'))
    return curve === undefined
      ? pssSignatures.some((signature) => signatures?.includes(signature))
      : signatures?.includes(curve.signature) === true;
  if (!shared.tls12) return false;
  const fits = common.some(
    (suite) => suite.version === 'TLSv1.2' && signsWith(suite) === (curve === undefined ? 'RSA' : 'EC'),
  );
  if (!fits || curve === undefined) return fits;
  // RFC 5246 7.4.1.4.1: without the extension a client takes SHA-1 signatures only, which we make none of.
  const canVerify = ecdsaSignatures.some((signature) => signatures?.includes(signature));
  return canVerify && (hello.groups === undefined || hello.groups.includes(curve.group));
}

/** The certificate for this client: ECDSA where the client can check it (it costs us a tenth of RSA), else RSA. */
export function chooseKeyType(
  hello: ClientHello,
  policy: TlsPolicy,
  available: readonly KeyType[],
): KeyType | undefined {
  const ecFirst = available.toSorted((a, b) => Number(a === 'RSA') - Number(b === 'RSA'));
  return ecFirst.find((keyType) => canUse(hello, policy, keyType)) ?? ecFirst.at(-1);
}

/**
 * Names a client that cannot be served, whatever certificate it has. What is not certain from the suites and versions
 * alone is `ok`: OpenSSL decides it, with the right alert.
 */
export function classifyHello(hello: ClientHello, policy: TlsPolicy, available: readonly KeyType[]): HelloClass {
  // TS 33.210 6.2.1: SSL 1 to 3, TLS 1.0 and 1.1 shall not be supported; RFC 6176: nor the SSL 2 form of a hello.
  if (hello.format === 'ssl2') return { kind: 'protocol_version', detail: 'ssl_2' };
  const shared = sharedVersions(hello, policy);
  if (!shared.tls12 && !shared.tls13)
    return { kind: 'protocol_version', detail: hello.maxVersion <= tls13 ? 'protocol_too_old' : 'unspecified' };
  const offered = offeredSuites(hello);
  // TS 33.320 8.3.4: ciphersuites with RC4 shall not be used.
  if (everyIs(offered, /^RC4/)) return { kind: 'rc4_only_client', detail: 'rc4_only' };
  if (everyIs(offered, /^NULL/)) return { kind: 'null_only_client', detail: 'null_only' };
  const common = policy.suites.filter(
    ({ id, version }) => hello.cipherSuites.includes(id) && (version === 'TLSv1.3' ? shared.tls13 : shared.tls12),
  );
  if (common.length === 0) return { kind: 'no_shared_cipher', detail: 'no_common_suite' };
  const signers = new Set(available.map((keyType) => (keyType === 'RSA' ? 'RSA' : 'EC')));
  if (common.every((suite) => suite.version === 'TLSv1.2' && !signers.has(signsWith(suite))))
    return { kind: 'no_shared_cipher', detail: 'no_common_suite' };
  return { kind: 'ok' };
}

const versionNames = new Map([
  [0x0002, 'SSLv2'],
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1'],
  [0x0302, 'TLSv1.1'],
  [0x0303, 'TLSv1.2'],
  [0x0304, 'TLSv1.3'],
]);

/** The highest version that a client offered, as OpenSSL writes it; undefined for a number without a name. */
export function offeredVersion(hello: ClientHello): string | undefined {
  return versionNames.get(hello.maxVersion);
}
