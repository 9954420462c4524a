import { hash } from 'node:crypto';
import type { PolicyInputs } from '../../src/x509/policy-graph.ts';
import * as der from './der-writer.ts';
import { algorithms, type KeyPair, keyNumber, type Minted, type MintOptions, mint, name, now } from './minting.ts';
import * as ext from './minting-extensions.ts';
import type { NameEntry, Subtrees } from './minting-extensions.ts';

/** Paths made at random: mostly good, each with some chance of every fault, and of others lying beside it. */
export interface GeneratedPath {
  readonly chain: readonly Minted[];
  readonly root: Minted;
  readonly policy: PolicyInputs;
  readonly askPolicy: boolean;
  /** What is odd about it, by word; the disagreements are explained by these. */
  readonly oddities: ReadonlySet<string>;
}

export interface Random {
  /** Below n. */
  readonly below: (n: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(list: readonly T[]) => T;
}

/** A small generator with a seed, so that a failing path can be made again. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return {
    below,
    chance: (probability) => next() < probability,
    pick: <T>(list: readonly T[]): T => list[below(list.length)] as T,
  };
}

interface Maker {
  readonly random: Random;
  readonly oddities: Set<string>;
  /** With a small chance notes the oddity and says yes. */
  readonly odd: (what: string, probability?: number) => boolean;
}

const past = new Date('2021-01-01T00:00:00Z');
const future = new Date('2040-01-01T00:00:00Z');
const policyOid = (n: number): string => `1.3.6.1.4.1.99999.${n}`;
const hosts = ['a.example', 'b.example', 'x.a.example', 'y.x.a.example', 'other.test'];

function keyFor({ random }: Maker, number: number): KeyPair {
  const kind = random.pick(['P-256', 'P-256', 'P-256', 'P-256', 'rsa-2048', 'P-384', 'ed25519'] as const);
  return keyNumber(kind === 'P-256' ? number : number % 2, kind);
}

function entry({ random }: Maker, kind: number): NameEntry {
  const host = random.pick(hosts);
  if (kind === 0) return { dns: host };
  if (kind === 1) return { email: `${random.pick(['u', 'v'])}@${host}` };
  if (kind === 2) return { ip: [10, random.below(2), 0, 1] };
  if (kind === 3) return { uri: `https://${host}/` };
  return { directory: name(`C=DE/O=${random.pick(['Acme', 'Other'])}`) };
}

function subtree({ random }: Maker): NameEntry {
  const kind = random.below(5);
  const host = random.pick(hosts);
  if (kind === 0) return { dns: host };
  if (kind === 1) return { email: random.pick([host, `.${host}`, `u@${host}`]) };
  if (kind === 2) return { ip: [10, random.below(2), 0, 0, 255, random.pick([255, 0]), 0, 0] };
  if (kind === 3) return { uri: random.pick([host, `.${host}`]) };
  return { directory: name(random.pick(['C=DE', 'C=DE/O=Acme', 'c=de/O=acme'.toUpperCase()])) };
}

function subtrees(maker: Maker): Subtrees {
  const { random } = maker;
  const list = (): NameEntry[] => [...Array(1 + random.below(2))].map(() => subtree(maker));
  const permitted = random.chance(0.6) ? { permitted: list() } : {};
  return { ...permitted, ...(random.chance(0.5) || permitted.permitted === undefined ? { excluded: list() } : {}) };
}

function purposesOf({ random }: Maker): Uint8Array | undefined {
  const list = random.pick([
    undefined,
    undefined,
    [ext.clientAuth],
    [ext.clientAuth, ext.serverAuth],
    [ext.anyPurpose],
  ]);
  return list && ext.extKeyUsage(list);
}

function oddCommon(maker: Maker): (Uint8Array | undefined)[] {
  return [
    maker.odd('critical-unknown') ? ext.extension('1.2.3.4', der.nothing(), true) : undefined,
    maker.odd('aki-critical', 0.01) ? ext.authorityKeyIdentifier(Buffer.from([1]), true) : undefined,
    maker.random.chance(0.3) ? ext.certificatePolicies(somePolicies(maker)) : undefined,
  ];
}

function somePolicies({ random }: Maker): string[] {
  const list = random.pick([[1], [1, 2], [2], [1, 2, 3]]).map(policyOid);
  return random.chance(0.3) ? [...list, '2.5.29.32.0'] : list;
}

/** Key identifiers that are right, as most CAs write them; without them OpenSSL takes the first name that fits. */
function hints({ random }: Maker, key: KeyPair, by?: KeyPair): Uint8Array[] {
  const id = (of: KeyPair): Uint8Array => hash('sha1', of.spki, 'buffer');
  if (random.chance(0.15)) return [];
  return [ext.subjectKeyIdentifier(id(key)), ...(by === undefined ? [] : [ext.authorityKeyIdentifier(id(by))])];
}

function caExtensions(maker: Maker): (Uint8Array | undefined)[] {
  const { random, odd } = maker;
  const pathLength = random.chance(0.3) ? random.below(3) : undefined;
  const basic = odd('ca-without-basic-constraints')
    ? undefined
    : odd('ca-false')
      ? ext.basicConstraints(false)
      : ext.basicConstraints(true, pathLength, random.chance(0.8));
  const usage = odd('ca-without-key-usage', 0.1)
    ? undefined
    : ext.keyUsage(odd('ca-may-not-sign') ? ['cRLSign'] : ['keyCertSign', 'cRLSign'], random.chance(0.8));
  return [
    basic,
    usage,
    random.chance(0.15) ? purposesOf(maker) : undefined,
    odd('ca-for-servers-only') ? ext.extKeyUsage([ext.serverAuth]) : undefined,
    odd('name-constraints', 0.25) ? ext.nameConstraints(subtrees(maker), random.chance(0.8)) : undefined,
    odd('policy-mappings', 0.1) ? ext.policyMappings([[policyOid(1), policyOid(2)]]) : undefined,
    odd('policy-constraints', 0.1)
      ? ext.policyConstraints(random.below(3), random.chance(0.5) ? 0 : undefined)
      : undefined,
    odd('inhibit-any', 0.05) ? ext.inhibitAnyPolicy(random.below(2)) : undefined,
    ...oddCommon(maker),
  ];
}

function leafExtensions(maker: Maker): (Uint8Array | undefined)[] {
  const { random, odd } = maker;
  const names = [...Array(random.below(3))].map(() => entry(maker, random.below(5)));
  if (names.length === 0) maker.oddities.add('leaf-without-names');
  const uses = odd('leaf-key-usage-without-signature')
    ? (['keyEncipherment'] as const)
    : (['digitalSignature'] as const);
  return [
    random.chance(0.5) ? ext.basicConstraints(false) : undefined,
    random.chance(0.8) ? ext.keyUsage(uses) : undefined,
    odd('leaf-for-servers-only') ? ext.extKeyUsage([ext.serverAuth]) : purposesOf(maker),
    names.length > 0 ? ext.subjectAltName(names) : undefined,
    odd('leaf-name-constraints', 0.01) ? ext.nameConstraints({ permitted: [{ dns: 'example' }] }) : undefined,
    ...oddCommon(maker),
  ];
}

function common(maker: Maker): MintOptions {
  const { odd } = maker;
  return {
    ...(odd('expired') ? { notAfter: past } : {}),
    ...(odd('not-yet-valid', 0.01) ? { notBefore: future } : {}),
    ...(odd('ends-now', 0.01) ? { notAfter: now } : {}),
    ...(odd('serial-zero', 0.01) ? { serial: 0 } : {}),
    ...(odd('other-inner-algorithm', 0.01) ? { innerAlgorithm: algorithms['ecdsa-sha512'].identifier } : {}),
  };
}

function rootOf(maker: Maker): Minted {
  const { random, odd } = maker;
  const key = keyFor(maker, 0);
  const bare = odd('root-without-extensions', 0.05);
  const extensions = bare
    ? null
    : odd('root-without-basic-constraints', 0.02)
      ? [ext.keyUsage(['keyCertSign'])]
      : [...ext.caExtensions(random.chance(0.1) ? random.below(3) : undefined), ...hints(maker, key)];
  const expired = odd('root-expired', 0.02) ? { notAfter: past } : {};
  return mint({ subject: 'C=DE/O=Acme/CN=Root', key, extensions, version: bare ? 1 : 3, ...expired });
}

const organisations = ['C=DE/O=Acme', 'C=DE/O=Acme', 'C=DE/O=Other', 'O=Acme'];

function intermediate(maker: Maker, by: Minted, depth: number): Minted {
  const { odd, random } = maker;
  const subject = odd('self-issued', 0.08) ? by.subject : `${random.pick(organisations)}/CN=CA ${depth}`;
  const signer = odd('wrong-signature', 0.01) ? { ...by, key: keyNumber(20) } : by;
  const key = keyFor(maker, 1 + depth);
  const extensions = [...caExtensions(maker), ...hints(maker, key, by.key)];
  return mint({ subject, key, by: signer, extensions, ...common(maker) });
}

/** Another certificate of the same name and key, with faults of its own. */
function twin(maker: Maker, of: Minted, by: Minted): Minted {
  maker.oddities.add('twin');
  const usual = maker.random.chance(0.5) ? caExtensions(maker) : ext.caExtensions();
  const extensions = [...usual, ...hints(maker, of.key, by.key)];
  return mint({ subject: of.subject, key: of.key, by, extensions, ...common(maker) });
}

function leafOf(maker: Maker, by: Minted): Minted {
  const { odd, random } = maker;
  const cn = odd('common-name-is-a-host', 0.2) ? random.pick(hosts) : 'device';
  const mail = odd('email-in-subject', 0.05) ? `/E=u@${random.pick(hosts)}` : '';
  const signer = odd('wrong-signature', 0.02) ? { ...by, key: keyNumber(20) } : by;
  const key = keyFor(maker, 9);
  const base = { key, by: signer, ...common(maker) };
  if (odd('leaf-of-version-1', 0.02))
    return mint({ ...base, subject: `O=Acme/CN=${cn}`, version: 1, extensions: null });
  return mint({
    ...base,
    subject: `${random.pick(organisations)}/CN=${cn}${mail}`,
    extensions: [...leafExtensions(maker), ...hints(maker, key, by.key)],
  });
}

function shuffled<T>({ below }: Random, list: readonly T[]): T[] {
  const left = [...list];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(below(left.length), 1));
  return order;
}

export function generatePath(seed: number): GeneratedPath {
  const random = randomFrom(seed);
  const oddities = new Set<string>();
  const odd = (what: string, probability = 0.03): boolean => {
    const yes = random.chance(probability);
    if (yes) oddities.add(what);
    return yes;
  };
  const maker: Maker = { random, oddities, odd };
  const root = rootOf(maker);
  const cas: Minted[] = [];
  const depth = random.pick([0, 1, 1, 1, 2, 2, 3]);
  for (let i = 0; i < depth; i++) cas.unshift(intermediate(maker, cas[0] ?? root, i));
  const leaf = leafOf(maker, cas[0] ?? root);
  const beside = cas.flatMap((ca, i) => (random.chance(0.15) ? [twin(maker, ca, cas[i + 1] ?? root)] : []));
  const missing = odd('missing-intermediate', 0.02);
  const pool = [...cas.slice(missing ? 1 : 0), ...beside, ...(random.chance(0.2) ? [root] : [])];
  const askPolicy = odd('policy-asked', 0.2);
  const policy: PolicyInputs = askPolicy
    ? {
        requireExplicit: random.chance(0.5),
        inhibitMapping: random.chance(0.2),
        inhibitAny: random.chance(0.2),
        ...(random.chance(0.5) ? { initial: [policyOid(1 + random.below(2))] } : {}),
      }
    : {};
  return { chain: [leaf, ...shuffled(random, pool)], root, policy, askPolicy, oddities };
}
