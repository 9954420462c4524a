import type { PathInput } from '../../src/x509/path.ts';
import { profiles } from '../../src/x509/profile.ts';
import { type KeyPair, keyNumber, type Minted, mint, newKey, now } from './minting.ts';
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
  /** Fresh each time: nothing parsed or imported before is met again. */
  readonly input: () => PathInput;
}

const copy = (der: Uint8Array): Uint8Array => Uint8Array.from(der);

function chainOf(name: string, chain: readonly Uint8Array[], root: Minted): HostileChain {
  const anchors = [{ name: 'acme', certificates: [root.certificate], profile: profiles.rfc5280, acceptExpired: false }];
  return { name, input: () => ({ chain: chain.map(copy), anchors, at: now }) };
}

const root = mint({ subject: 'CN=Root', key: keyNumber(0), extensions: caExtensions() });

const range = (count: number): number[] => [...Array(count).keys()];

function leafOf(by: Minted): Minted {
  return mint({ subject: 'CN=leaf', key: keyNumber(1), by, extensions: deviceExtensions() });
}

/** Ten CAs that have all certified each other. */
function circles(): HostileChain {
  const subjects = range(10).map((i) => ({ subject: `CN=CA ${i}`, key: keyNumber(10 + i) }));
  const all = subjects.flatMap((of) =>
    subjects.filter((by) => by !== of).map((by) => mint({ ...of, by: selfOf(by), extensions: caExtensions() })),
  );
  return chainOf('10 CAs cross-signed in circles', [leafOf(all[0] as Minted).der, ...all.map((c) => c.der)], root);
}

function selfOf(of: { subject: string; key: KeyPair }): Minted {
  return mint({ ...of, extensions: caExtensions() });
}

/** 99 CAs of one name, each signed by the one before. */
function crowd(name: string, keys: (i: number) => KeyPair, order: (list: Minted[]) => Minted[]): HostileChain {
  const all: Minted[] = [];
  for (const i of range(99)) {
    const by = all.at(-1);
    all.push(
      mint({ subject: 'CN=Crowd', key: keys(i), ...(by === undefined ? {} : { by }), extensions: caExtensions() }),
    );
  }
  const leaf = leafOf(all.at(-1) as Minted);
  return chainOf(name, [leaf.der, ...order(all).map((c) => c.der)], root);
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
  const late = mint({ subject: 'CN=leaf', key: keyNumber(1), by: above as Minted, notAfter: new Date('2021-01-01Z') });
  return chainOf(name, [late.der, ...all.map((c) => c.der)], root);
}

function manyNames(): HostileChain {
  const bases = range(2000).map((i) => ({ dns: `x${i}.example` }));
  const extensions = [...caExtensions(), nameConstraints({ excluded: bases })];
  const ca = mint({ subject: 'CN=Constrained', key: keyNumber(2), by: root, extensions });
  const names = range(3500).map((i) => ({ dns: `n${i}.test` }));
  const leaf = mint({ key: keyNumber(1), by: ca, extensions: deviceExtensions(subjectAltName(names)) });
  return chainOf('3500 names under 2000 constraints', [leaf.der, ca.der], root);
}

/** As many comparisons as are allowed, and all of the dearest kind. */
function dearNames(): HostileChain {
  const bases = range(300).map((i) => ({ uri: `.x${i}.example.com` }));
  const extensions = [...caExtensions(), nameConstraints({ excluded: bases })];
  const ca = mint({ subject: 'CN=Constrained', key: keyNumber(2), by: root, extensions });
  const names = range(430).map((i) => ({ uri: `https://user@n${i}.a.b.c.d.e.f.g.h.i.j.k.l.m.test:8080/x` }));
  const leaf = mint({ key: keyNumber(1), by: ca, extensions: deviceExtensions(subjectAltName(names)) });
  return chainOf('430 URIs under 300 constraints', [leaf.der, ca.der], root);
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
  return chainOf('16 CAs with 120 policies and mappings each', [leaf.der, ...all.map((c) => c.der)], root);
}

function longName(): HostileChain {
  const rdns = range(3000).map((i) => `OU=ﷺ${i}`);
  const ca = mint({ subject: rdns.join('/'), key: keyNumber(2), by: root, extensions: caExtensions() });
  return chainOf('names of 3000 parts that grow when normalised', [leafOf(ca).der, ca.der], root);
}

function costlyRsa(): HostileChain {
  const key = newKey('rsa-4096');
  return crowd(
    '99 same-subject CAs with one RSA 4096 key',
    () => key,
    (list) => list.slice(0, 60),
  );
}

export function hostileChains(): HostileChain[] {
  const reversed = (list: Minted[]): Minted[] => list.toReversed();
  const same = (list: Minted[]): Minted[] => list;
  return [
    circles(),
    crowd('99 same-subject CAs, a key each', (i) => keyNumber(400 + i), same),
    crowd('99 same-subject CAs, a key each, in order', (i) => keyNumber(400 + i), reversed),
    crowd('99 same-subject CAs, one key', () => keyNumber(400), same),
    crowd('99 same-subject CAs, a P-521 key each', (i) => keyNumber(i, 'P-521'), same),
    costlyRsa(),
    layers('11 layers of 9 CAs that lead nowhere', undefined, 9, 11),
    layers('11 layers of 9 CAs that lead to an anchor', root, 9, 11),
    manyNames(),
    dearNames(),
    manyPolicies(),
    longName(),
  ];
}
