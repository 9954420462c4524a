import * as der from './der-writer.ts';
import type { PathInput } from '../../src/x509/path.ts';
import { profiles } from '../../src/x509/profile.ts';
import { type KeyPair, keyNumber, type Minted, mint, name, newKey, now } from './minting.ts';
import {
  caExtensions,
  certificatePolicies,
  deviceExtensions,
  nameConstraints,
  policyConstraints,
  policyMappings,
  subjectAltName,
} from './minting-extensions.ts';

/** Chains that a stranger might send to make the judge work: at most 100 certificates and about 100 KB, as TLS allows. */

export interface HostileChain {
  readonly name: string;
  /** Made by a CA of the anchor's: work is all that is wrong with it. */
  readonly good: boolean;
  /** Fresh each time: nothing parsed or imported before is met again. */
  readonly input: () => PathInput;
}

const copy = (der: Uint8Array): Uint8Array => Uint8Array.from(der);

function chainOf(name: string, chain: readonly Uint8Array[], good = false): HostileChain {
  const anchors = [{ name: 'acme', certificates: [root.certificate], profile: profiles.rfc5280, acceptExpired: false }];
  return { name, good, input: () => ({ chain: chain.map(copy), anchors, at: now }) };
}

const root = mint({ subject: 'CN=Root', key: keyNumber(0), extensions: caExtensions() });

const range = (count: number): number[] => [...Array(count).keys()];

function leafOf(by: Minted): Minted {
  return mint({ subject: 'CN=leaf', key: keyNumber(1), by, extensions: deviceExtensions() });
}

/** Claims to be issued by the anchor, so that every name seems to lead there; no signature does. */
function pretender(subject: string, key: KeyPair): Minted {
  const nobody = { key: keyNumber(5), subject: root.subject };
  return mint({ subject, key, by: nobody, extensions: caExtensions() });
}

/** Ten CAs that have all certified each other. */
function circles(): HostileChain {
  const subjects = range(10).map((i) => ({ subject: `CN=CA ${i}`, key: keyNumber(10 + i) }));
  const claims = subjects.slice(1).map(({ subject, key }) => pretender(subject, key));
  const all = subjects.flatMap((of) =>
    subjects.filter((by) => by !== of).map((by) => mint({ ...of, by: selfOf(by), extensions: caExtensions() })),
  );
  const chain = [leafOf(all[0] as Minted), ...all, ...claims];
  return chainOf(
    '10 CAs cross-signed in circles',
    chain.map((c) => c.der),
  );
}

function selfOf(of: { subject: string; key: KeyPair }): Minted {
  return mint({ ...of, extensions: caExtensions() });
}

/** 98 CAs of one name, each signed by the one before. */
function crowd(name: string, keys: (i: number) => KeyPair, order: (list: Minted[]) => Minted[]): HostileChain {
  const all: Minted[] = [];
  for (const i of range(98)) {
    const by = all.at(-1);
    all.push(
      mint({ subject: 'CN=Crowd', key: keys(i), ...(by === undefined ? {} : { by }), extensions: caExtensions() }),
    );
  }
  const leaf = leafOf(all.at(-1) as Minted);
  const claim = pretender('CN=Crowd', keyNumber(6));
  return chainOf(name, [leaf.der, ...order(all).map((c) => c.der), claim.der]);
}

/** Layers of CAs in which each certificate of a layer is an issuer of each of the layer below: width^depth ways. */
function layers(name: string, top: Minted | undefined, width: number, depth: number): HostileChain {
  const all: Minted[] = [];
  let above: Minted | undefined = top;
  for (const layer of range(depth)) {
    const key = keyNumber(200 + layer);
    const by = above;
    const made = range(width).map(() =>
      mint({ subject: `CN=Layer ${layer}`, key, ...(by === undefined ? {} : { by }), extensions: caExtensions() }),
    );
    all.push(...made);
    above = made[0];
  }
  if (top === undefined) all.push(pretender('CN=Layer 0', keyNumber(200)));
  const late = mint({ subject: 'CN=leaf', key: keyNumber(1), by: above as Minted, notAfter: new Date('2021-01-01Z') });
  return chainOf(name, [late.der, ...all.map((c) => c.der)]);
}

function manyNames(): HostileChain {
  const bases = range(2000).map((i) => ({ dns: `x${i}.example` }));
  const extensions = [...caExtensions(), nameConstraints({ excluded: bases })];
  const ca = mint({ subject: 'CN=Constrained', key: keyNumber(2), by: root, extensions });
  const names = range(3500).map((i) => ({ dns: `n${i}.test` }));
  const leaf = mint({ key: keyNumber(1), by: ca, extensions: deviceExtensions(subjectAltName(names)) });
  return chainOf('3500 names under 2000 constraints', [leaf.der, ca.der]);
}

/** As many comparisons as are allowed, and all of the dearest kind. */
function dearNames(): HostileChain {
  const bases = range(300).map((i) => ({ uri: `.x${i}.example.com` }));
  const extensions = [...caExtensions(), nameConstraints({ excluded: bases })];
  const ca = mint({ subject: 'CN=Constrained', key: keyNumber(2), by: root, extensions });
  const names = range(430).map((i) => ({ uri: `https://user@n${i}.a.b.c.d.e.f.g.h.i.j.k.l.m.test:8080/x` }));
  const leaf = mint({ key: keyNumber(1), by: ca, extensions: deviceExtensions(subjectAltName(names)) });
  return chainOf('430 URIs under 300 constraints', [leaf.der, ca.der], true);
}

function manyPolicies(): HostileChain {
  const policy = (i: number): string => `1.3.6.1.4.1.99999.${i}`;
  const all: Minted[] = [];
  for (const level of range(16)) {
    const extensions = [
      ...caExtensions(),
      certificatePolicies([...range(120).map(policy), '2.5.29.32.0']),
      policyMappings(range(120).map((i) => [policy(i), policy((i * 7 + level) % 120)] as const)),
      policyConstraints(0),
    ];
    all.push(mint({ subject: `CN=P ${level}`, key: keyNumber(300 + level), by: all.at(-1) ?? root, extensions }));
  }
  const leaf = mint({ key: keyNumber(1), by: all.at(-1) as Minted, extensions: deviceExtensions() });
  return chainOf('16 CAs with 120 policies and mappings each', [leaf.der, ...all.map((c) => c.der)]);
}

/** Two CAs on each of six levels, 64 ways to the anchor, none of which has a policy that is wanted at its end. */
function policyWays(): HostileChain {
  const policy = (i: number): string => `1.3.${i % 40}.${Math.floor(i / 40) % 120}`;
  const all: Minted[] = [];
  let above = root;
  for (const level of range(6)) {
    const extensions = [
      ...caExtensions(),
      certificatePolicies([...range(240).map(policy), '2.5.29.32.0']),
      policyMappings(range(240).map((i) => [policy(i), policy((i * 7 + level) % 240)] as const)),
      policyConstraints(0),
    ];
    const key = keyNumber(200 + level);
    const by = above;
    const made = range(2).map(() => mint({ subject: `CN=W ${level}`, key, by, extensions }));
    all.push(...made);
    above = made[0] as Minted;
  }
  const leaf = mint({ key: keyNumber(1), by: above, extensions: deviceExtensions() });
  return chainOf('64 ways through 240 policies and mappings each', [leaf.der, ...all.map((c) => c.der)]);
}

function longName(): HostileChain {
  const rdns = range(2000).map((i) => `OU=ﷺ${i}`);
  const ca = mint({ subject: rdns.join('/'), key: keyNumber(2), by: root, extensions: caExtensions() });
  return chainOf('names of 2000 parts that grow when normalised', [leafOf(ca).der, ca.der], true);
}

/** Combining marks in the wrong order, as many as are normalised at once. */
function marks(): HostileChain {
  const rdns = range(60).map((i) => `OU=${'\u0316\u0301'.repeat(125)}${i}`);
  const ca = mint({ subject: rdns.join('/'), key: keyNumber(2), by: root, extensions: caExtensions() });
  return chainOf('names full of combining marks', [leafOf(ca).der, ca.der], true);
}

function costlyRsa(): HostileChain {
  const key = newKey('rsa-4096');
  return crowd(
    '60 same-subject CAs with one RSA 4096 key',
    () => key,
    (list) => list.slice(0, 60),
  );
}

/** Keys that inherit their parameters: whom they signed is not known before the anchor is reached. */
function heirs(): HostileChain {
  const algorithm = {
    identifier: der.sequence(der.oid('1.2.840.10040.4.3')),
    sign: () => der.sequence(der.integer(1), der.integer(1)),
  };
  const bare = (i: number): KeyPair => {
    const spki = der.sequence(der.sequence(der.oid('1.2.840.10040.4.1')), der.bits(der.integer(i + 2)));
    return { ...keyNumber(0), spki };
  };
  const all = range(98).map((i) => {
    const by = { key: keyNumber(0), subject: i % 9 === 0 ? root.subject : name('CN=Heirs') };
    return mint({ subject: 'CN=Heirs', key: bare(i), by, algorithm, extensions: caExtensions() });
  });
  const leaf = mint({ key: keyNumber(1), by: { key: keyNumber(0), subject: name('CN=Heirs') }, algorithm });
  return chainOf(
    '98 same-subject CAs with DSA keys that inherit their parameters',
    [leaf, ...all].map((c) => c.der),
  );
}

export function hostileChains(): HostileChain[] {
  const reversed = (list: Minted[]): Minted[] => list.toReversed();
  const same = (list: Minted[]): Minted[] => list;
  return [
    circles(),
    crowd('98 same-subject CAs, a key each', (i) => keyNumber(400 + i), same),
    crowd('98 same-subject CAs, a key each, in order', (i) => keyNumber(400 + i), reversed),
    crowd('98 same-subject CAs, one key', () => keyNumber(400), same),
    crowd('98 same-subject CAs, a P-521 key each', (i) => keyNumber(i, 'P-521'), same),
    costlyRsa(),
    heirs(),
    layers('9 layers of 10 CAs that lead nowhere', undefined, 10, 9),
    layers('11 layers of 9 CAs that lead to an anchor', root, 9, 11),
    manyNames(),
    dearNames(),
    manyPolicies(),
    policyWays(),
    longName(),
    marks(),
  ];
}
