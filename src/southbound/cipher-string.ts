import { type CipherSuite, cipherSuites, suiteByName } from './cipher-suites.ts';

export type Expansion =
  | { readonly ok: true; readonly suites: readonly CipherSuite[]; readonly securityLevel: number | undefined }
  | { readonly ok: false; readonly message: string };

type Test = (suite: CipherSuite) => boolean;

const byKeyExchange =
  (pattern: RegExp): Test =>
  (suite) =>
    pattern.test(suite.keyExchange);
const byEncryption =
  (pattern: RegExp): Test =>
  (suite) =>
    pattern.test(suite.encryption);
const byHash =
  (hash: string): Test =>
  (suite) =>
    !suite.aead && suite.hash === hash;
const has =
  (family: CipherSuite['forbidden'][number]): Test =>
  (suite) =>
    suite.forbidden.includes(family);

/** Bits of the encryption key, as `@STRENGTH`, HIGH, MEDIUM and LOW count them. */
function strength({ encryption }: CipherSuite): number {
  if (encryption.startsWith('NULL')) return 0;
  if (/CHACHA20|256/.test(encryption)) return 256;
  if (encryption.startsWith('3DES')) return 112;
  if (/^DES|_40|_56/.test(encryption)) return 56;
  return 128;
}

const ephemeralDh = /^(DHE_(RSA|DSS)|DH_anon)/;
const ephemeralEcdh = /^(ECDHE_(RSA|ECDSA)|ECDH_anon)/;
const notNull: Test = (suite) => suite.encryption !== 'NULL';

/** The words of OpenSSL's cipher strings (ciphers(1)) that stand for more than one suite. */
const words: Readonly<Record<string, Test>> = {
  ALL: notNull,
  COMPLEMENTOFALL: (suite) => !notNull(suite),
  DEFAULT: (suite) => notNull(suite) && !has('anonymous')(suite),
  COMPLEMENTOFDEFAULT: (suite) => notNull(suite) && has('anonymous')(suite),
  HIGH: (suite) => strength(suite) >= 128 && !/^(RC4|RC2|SEED|IDEA)/.test(suite.encryption),
  MEDIUM: byEncryption(/^(RC4_128|IDEA|SEED|3DES|RC2)/),
  LOW: (suite) => strength(suite) === 56,
  ENULL: has('NULL'),
  NULL: has('NULL'),
  ANULL: has('anonymous'),
  RSA: byKeyExchange(/^RSA(_EXPORT|$)/),
  KRSA: byKeyExchange(/^RSA(_EXPORT|$)/),
  ARSA: byKeyExchange(/^(RSA|DHE_RSA|ECDHE_RSA|RSA_PSK|SRP_SHA_RSA)/),
  DH: byKeyExchange(ephemeralDh),
  KDHE: byKeyExchange(ephemeralDh),
  KEDH: byKeyExchange(ephemeralDh),
  DHE: byKeyExchange(/^DHE_(RSA|DSS)/),
  EDH: byKeyExchange(/^DHE_(RSA|DSS)/),
  ADH: byKeyExchange(/^DH_anon/),
  ECDH: byKeyExchange(ephemeralEcdh),
  KECDHE: byKeyExchange(ephemeralEcdh),
  KEECDH: byKeyExchange(ephemeralEcdh),
  ECDHE: byKeyExchange(/^ECDHE_(RSA|ECDSA)/),
  EECDH: byKeyExchange(/^ECDHE_(RSA|ECDSA)/),
  AECDH: byKeyExchange(/^ECDH_anon/),
  ECDSA: byKeyExchange(/ECDSA/),
  AECDSA: byKeyExchange(/ECDSA/),
  DSS: byKeyExchange(/DSS/),
  ADSS: byKeyExchange(/DSS/),
  PSK: byKeyExchange(/PSK/),
  APSK: byKeyExchange(/^(PSK|DHE_PSK|ECDHE_PSK)/),
  KPSK: byKeyExchange(/^PSK$/),
  KDHEPSK: byKeyExchange(/^(DHE_PSK|PSK_DHE)/),
  KECDHEPSK: byKeyExchange(/^ECDHE_PSK/),
  KRSAPSK: byKeyExchange(/^RSA_PSK/),
  SRP: byKeyExchange(/^SRP/),
  KSRP: byKeyExchange(/^SRP/),
  ASRP: byKeyExchange(/^SRP_SHA$/),
  EXP: has('EXPORT'),
  EXPORT: has('EXPORT'),
  EXPORT40: has('EXPORT'),
  EXPORT56: has('EXPORT'),
  AES: byEncryption(/^AES/),
  AES128: byEncryption(/^AES_128/),
  AES256: byEncryption(/^AES_256/),
  AESGCM: byEncryption(/^AES_\d+_GCM/),
  AESCCM: byEncryption(/^AES_\d+_CCM/),
  AESCCM8: byEncryption(/^AES_\d+_CCM_8/),
  CHACHA20: byEncryption(/^CHACHA20/),
  ARIA: byEncryption(/^ARIA/),
  ARIA128: byEncryption(/^ARIA_128/),
  ARIA256: byEncryption(/^ARIA_256/),
  ARIAGCM: byEncryption(/^ARIA_\d+_GCM/),
  CAMELLIA: byEncryption(/^CAMELLIA/),
  CAMELLIA128: byEncryption(/^CAMELLIA_128/),
  CAMELLIA256: byEncryption(/^CAMELLIA_256/),
  CBC: byEncryption(/_CBC/),
  '3DES': has('3DES'),
  DES: has('DES'),
  RC4: has('RC4'),
  RC2: byEncryption(/^RC2/),
  IDEA: has('IDEA'),
  SEED: has('SEED'),
  MD5: byHash('MD5'),
  SHA: byHash('SHA'),
  SHA1: byHash('SHA'),
  SHA256: byHash('SHA256'),
  SHA384: byHash('SHA384'),
  'TLSV1.2': (suite) => suite.aead || /^SHA(256|384)$/.test(suite.hash),
  'TLSV1.0': (suite) => /^SHA(256|384)$/.test(suite.hash) && /PSK/.test(suite.keyExchange),
  TLSV1: byHash('SHA'),
  SSLV3: byHash('SHA'),
};

/** Words that name only what is never let in; they reach past what this OpenSSL still has, so that each can be named. */
const forbiddenWords =
  /^(ENULL|NULL|ANULL|ADH|AECDH|[AK]?PSK|K\w+PSK|[AK]?SRP|EXP\w*|3DES|DES|RC[24]|IDEA|SEED|MD5|LOW)$/;

function rank(suite: CipherSuite): number {
  const exchange = ['ECDHE_ECDSA', 'ECDHE_RSA', 'DHE_RSA', 'RSA'].indexOf(suite.keyExchange);
  const secrecy = exchange < 0 ? 4 : exchange;
  return (suite.aead ? 0 : 100) + secrecy * 10 + (suite.encryption.startsWith('CHACHA20') ? 5 : 0);
}

const inOurOrder: readonly CipherSuite[] = cipherSuites
  .filter(({ version }) => version === 'TLSv1.2')
  .toSorted((a, b) => rank(a) - rank(b));

function select(token: string, reachable: Test): readonly CipherSuite[] | undefined {
  const literal = suiteByName(token);
  if (literal !== undefined) return [literal];
  const parts = token.toUpperCase().split('+');
  const tests = parts.map((part) => words[part]);
  if (tests.some((test) => test === undefined)) return undefined;
  const everything = parts.some((part) => forbiddenWords.test(part));
  return inOurOrder.filter((suite) => (everything || reachable(suite)) && tests.every((test) => test?.(suite)));
}

const without = (list: readonly CipherSuite[], gone: readonly CipherSuite[]): readonly CipherSuite[] =>
  list.filter((suite) => !gone.includes(suite));

/**
 * Expands an OpenSSL cipher string (ciphers(1): words joined by `+`, `-`, `!`, leading `+`, `@STRENGTH`,
 * `@SECLEVEL=n`) into suites, in the order it asks for. `reachable` says which suites a word may add; a suite that is
 * named outright, or by a word for a forbidden family, is always in the result, so that it can be refused by name.
 */
export function expandCipherString(text: string, reachable: Test): Expansion {
  let chosen: readonly CipherSuite[] = [];
  let killed: readonly CipherSuite[] = [];
  let securityLevel: number | undefined;
  for (const token of text.split(/[:, ]+/).filter((part) => part !== '')) {
    if (token === '@STRENGTH') {
      chosen = chosen.toSorted((a, b) => strength(b) - strength(a));
      continue;
    }
    const level = /^@SECLEVEL=(\d)$/.exec(token);
    if (level !== null) {
      securityLevel = Number(level[1]);
      continue;
    }
    const [, sign, name = ''] = /^([!+-]?)(.*)$/.exec(token) ?? [];
    const found = select(name, reachable);
    if (found === undefined) return { ok: false, message: `"${token}" is no cipher suite or word that is known here` };
    if (sign === '') chosen = [...chosen, ...without(found, [...chosen, ...killed])];
    if (sign === '+') chosen = [...without(chosen, found), ...chosen.filter((suite) => found.includes(suite))];
    if (sign === '-' || sign === '!') chosen = without(chosen, found);
    if (sign === '!') killed = [...killed, ...found];
  }
  return { ok: true, suites: chosen, securityLevel };
}
