import { constants } from 'node:crypto';
import { getCiphers, type SecureContextOptions } from 'node:tls';
import type { ListenerConfig } from '../config/schema.ts';
import { expandCipherString } from './cipher-string.ts';
import { type CipherSuite, suiteByName } from './cipher-suites.ts';

export type ProfileName = ListenerConfig['profile'];

/** What a door speaks: fixed before it opens, judged again on what was negotiated. */
export interface TlsPolicy {
  readonly profile: ProfileName;
  /** In the order of preference, both versions. */
  readonly suites: readonly CipherSuite[];
  /** By IANA name, for the judgement of a finished handshake. */
  readonly suiteNames: ReadonlySet<string>;
  readonly suiteIds: ReadonlySet<number>;
  /** Everything that does not depend on certificates and ticket keys. */
  readonly context: Readonly<SecureContextOptions>;
}

export interface RefusedSuite {
  readonly suite: string;
  readonly why: string;
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: TlsPolicy }
  | { readonly ok: false; readonly message: string; readonly refused: readonly RefusedSuite[] };

// TS 33.210 6.2.3: only AEAD with forward secrecy in TLS 1.2; ECDHE first.
const modernSuites = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
];
const dheSuites = ['DHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-AES256-GCM-SHA384'];
// TR-069 3.3 makes TLS_RSA_WITH_AES_128_CBC_SHA the one suite that every CPE has.
const legacySuites = [
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'AES128-GCM-SHA256',
  'AES128-SHA256',
  'AES128-SHA',
];
const legacyDheSuites = ['DHE-RSA-AES128-SHA'];
// RFC 8446 9.1
const tls13Suites = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** secp256r1 shall, secp384r1 should be supported (TS 33.210 6.2.2); nothing below 255 bits. */
const groups = 'P-256:P-384:X25519';

/** SHA-256 and better, in handshake signatures of both sides (TS 33.210 6.2.3: no SHA-1, no MD5). */
const signatureAlgorithms = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
].join(':');

/** OpenSSL's level of 112 bits: RSA and DH of 2048 bits, no SHA-1 signature. Never lower, whatever a cipher string says. */
const securityLevel = 2;

const present = new Set(getCiphers());
const inThisOpenSsl = (suite: CipherSuite): boolean => present.has(suite.openssl.toLowerCase());

function whyNotInProfile(suite: CipherSuite, profile: ProfileName, dhe: boolean): string | undefined {
  if (suite.encryption.includes('CCM_8')) return 'its authentication tag has 8 bytes only';
  if (!inThisOpenSsl(suite)) return 'the OpenSSL of this Node does not have it';
  if (suite.version === 'TLSv1.3') return undefined;
  if (suite.keyExchange === 'DHE_RSA' && !dhe) return 'DHE is off for this listener (dhe: true allows it)';
  const forwardSecret = /^(ECDHE_(RSA|ECDSA)|DHE_RSA)$/.test(suite.keyExchange);
  if (!forwardSecret && suite.keyExchange !== 'RSA') return 'its key exchange is in no profile';
  if (!suite.aead && !suite.encryption.startsWith('AES_')) return 'its cipher is in no profile';
  if (profile === 'modern' && !forwardSecret) return 'no forward secrecy (profile legacy-rel12 has it)';
  if (profile === 'modern' && !suite.aead) return 'no AEAD (profile legacy-rel12 has it)';
  return undefined;
}

const neverLetIn = 'is never let in';

function judge(suite: CipherSuite, profile: ProfileName, dhe: boolean): RefusedSuite[] {
  const why =
    suite.forbidden.length > 0 ? `${suite.forbidden.join(', ')} ${neverLetIn}` : whyNotInProfile(suite, profile, dhe);
  return why === undefined ? [] : [{ suite: suite.version === 'TLSv1.3' ? suite.name : suite.openssl, why }];
}

function defaultNames({ profile, dhe }: Pick<ListenerConfig, 'profile' | 'dhe'>): string[] {
  const legacy = profile === 'legacy-rel12';
  return [
    ...modernSuites,
    ...(dhe ? dheSuites : []),
    ...(legacy ? legacySuites : []),
    ...(legacy && dhe ? legacyDheSuites : []),
  ];
}

const named = (names: readonly string[]): CipherSuite[] => names.flatMap((name) => suiteByName(name) ?? []);

function buildPolicy(profile: ProfileName, suites: readonly CipherSuite[], level: number): TlsPolicy {
  const old = suites.filter(({ version }) => version === 'TLSv1.2');
  const withDhe = old.some(({ keyExchange }) => keyExchange === 'DHE_RSA');
  return {
    profile,
    suites,
    suiteNames: new Set(suites.map(({ name }) => name)),
    suiteIds: new Set(suites.map(({ id }) => id)),
    context: {
      // TS 33.210 6.2.1: SSL and TLS before 1.2 shall not be supported.
      minVersion: old.length === 0 ? 'TLSv1.3' : 'TLSv1.2',
      maxVersion: suites.length === old.length ? 'TLSv1.2' : 'TLSv1.3',
      ciphers: [...suites.map(({ openssl }) => openssl), `@SECLEVEL=${level}`].join(':'),
      honorCipherOrder: true,
      ecdhCurve: groups,
      sigalgs: signatureAlgorithms,
      // RFC 5746: renegotiation_info is answered, a renegotiation is not; no compression. Early data stays off.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
      ...(withDhe ? { dhparam: 'auto' } : {}),
    },
  };
}

/** Grouped by reason, the forbidden families first; long groups are cut, with their number. */
function listed(refused: readonly RefusedSuite[]): string {
  const groups = Map.groupBy(refused, ({ why }) => why);
  return [...groups]
    .toSorted(([a], [b]) => Number(b.endsWith(neverLetIn)) - Number(a.endsWith(neverLetIn)))
    .map(([why, suites]) => {
      const shown = suites.slice(0, 6).map(({ suite }) => suite);
      return `${shown.join(', ')}${suites.length > 6 ? ` and ${suites.length - 6} more` : ''} (${why})`;
    })
    .join('; ');
}

/** What OpenSSL builds may have beside what this one lists: a word that stands for it is refused for it. */
function hiddenInOpenSsl({ forbidden, encryption, keyExchange }: CipherSuite): boolean {
  return (
    forbidden.length > 0 &&
    /^(NULL|AES|CHACHA20)/.test(encryption) &&
    /^(RSA|DHE_RSA|ECDHE_(RSA|ECDSA)|DH_anon|ECDH_anon|\w*PSK|SRP\w+)$/.test(keyExchange)
  );
}

function override(text: string, profile: ProfileName, dhe: boolean): PolicyResult {
  const fail = (message: string, refused: readonly RefusedSuite[] = []): PolicyResult => ({
    ok: false,
    message,
    refused,
  });
  const expansion = expandCipherString(text, (suite) => inThisOpenSsl(suite) || hiddenInOpenSsl(suite));
  if (!expansion.ok) return fail(expansion.message);
  const level = expansion.securityLevel ?? securityLevel;
  if (level < securityLevel)
    return fail(`@SECLEVEL=${level} is below ${securityLevel}: short keys and SHA-1 would be let in`);
  const refused = expansion.suites.flatMap((suite) => judge(suite, profile, dhe));
  if (refused.length > 0)
    return fail(
      `the cipher string stands for suites that may not be used: ${listed(refused)}; ` +
        'take them out by name or with "!aNULL:!eNULL:!PSK:!SRP"',
      refused,
    );
  if (expansion.suites.length === 0) return fail('the cipher string stands for no suite at all');
  const with13 = expansion.suites.some(({ version }) => version === 'TLSv1.3');
  const suites = with13 ? expansion.suites : [...named(tls13Suites), ...expansion.suites];
  return { ok: true, policy: buildPolicy(profile, suites, level) };
}

/**
 * Turns profile, DHE option and cipher string of a listener into what its door speaks. A cipher string may narrow and
 * reorder the profile, never widen it; one without TLS 1.3 suites keeps the profile's, one of TLS 1.3 suites alone
 * makes a TLS 1.3 door. Each suite that it stands for and that may not be used is named in the answer.
 */
export function resolveTlsPolicy(listener: Pick<ListenerConfig, 'profile' | 'dhe' | 'ciphers'>): PolicyResult {
  const { profile, dhe, ciphers } = listener;
  if (ciphers !== undefined) return override(ciphers, profile, dhe);
  const suites = [...named(tls13Suites), ...named(defaultNames(listener))];
  return { ok: true, policy: buildPolicy(profile, suites, securityLevel) };
}
