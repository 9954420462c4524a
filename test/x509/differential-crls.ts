import { hash } from 'node:crypto';
import type { ReasonFlag } from '../../src/x509/extension-pointers.ts';
import {
  cRLNumber,
  deltaCRLIndicator,
  distributionPoints,
  type EntryOptions,
  hours,
  mintCrlDer,
  type PointOptions,
  type ScopeOptions,
  scope,
  unknownExtension,
} from './crl-minting.ts';
import { type Random, randomFrom } from './differential-paths.ts';
import { algorithms, type KeyPair, keyNumber, type Minted, type MintOptions, mint } from './minting.ts';
import * as ext from './minting-extensions.ts';

/** A device, its CAs and CRLs made at random: mostly in order, each with some chance of every fault. */
export interface GeneratedCrls {
  readonly root: Minted;
  readonly issuing: Minted;
  readonly service: Minted;
  readonly ownKey: Minted;
  readonly leaf: Minted;
  readonly crls: readonly Uint8Array[];
  /** What is odd about it, by word; the disagreements are explained by these. */
  readonly oddities: ReadonlySet<string>;
}

interface Maker {
  readonly random: Random;
  readonly oddities: Set<string>;
  /** With a small chance notes the oddity and says yes. */
  readonly odd: (what: string, probability?: number) => boolean;
}

const serial = 1000;
const uris = ['http://a.example/1.crl', 'http://a.example/2.crl'];
const halves: readonly (readonly ReasonFlag[])[] = [
  ['keyCompromise', 'cACompromise', 'superseded', 'certificateHold'],
  ['affiliationChanged', 'cessationOfOperation', 'privilegeWithdrawn', 'aACompromise'],
];

const root = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(0), extensions: ext.caExtensions() });

/** Key identifiers, by which OpenSSL finds signers. */
const keyId = ({ spki }: KeyPair): Uint8Array => Buffer.from(hash('sha1', spki, 'hex'), 'hex');

function ca({ extensions = [], ...options }: MintOptions & { readonly key: KeyPair }): Minted {
  const identified = [...(extensions ?? []), ext.subjectKeyIdentifier(keyId(options.key))];
  return mint({ by: root, subject: 'O=Acme/CN=Issuing', extensions: identified, ...options });
}

const cas = {
  issuing: ca({ key: keyNumber(1), serial: 77, extensions: ext.caExtensions(0) }),
  noCrlSign: ca({
    key: keyNumber(1),
    serial: 77,
    extensions: [ext.basicConstraints(true, 0), ext.keyUsage(['keyCertSign'])],
  }),
  /** The issuing CA's second key, for CRLs alone. */
  ownKey: ca({ key: keyNumber(3), serial: 78, extensions: [ext.basicConstraints(true, 0), ext.keyUsage(['cRLSign'])] }),
  service: ca({ subject: 'O=Acme/CN=Service', key: keyNumber(5), serial: 90, extensions: [ext.keyUsage(['cRLSign'])] }),
};

function pointsOf({ random, odd }: Maker): PointOptions[] {
  const point = (n: number): PointOptions => ({
    names: [{ uri: uris[n] ?? '' }],
    ...(odd('point-reasons', 0.1) ? { reasons: random.pick(halves) } : {}),
    ...(odd('indirect', 0.15) ? { issuer: cas.service.subject } : {}),
  });
  if (random.chance(0.4)) return [];
  return odd('two-points', 0.25) ? [point(0), point(1)] : [point(0)];
}

function scopeFor({ random, odd }: Maker, indirect: boolean): ScopeOptions | undefined {
  if (!indirect && random.chance(0.5)) return undefined;
  return {
    ...(random.chance(0.6) ? { names: [{ uri: random.pick([...uris, uris[0] ?? '']) }] } : {}),
    ...(odd('user-only', 0.2) ? { user: true } : odd('ca-only', 0.08) ? { ca: true } : {}),
    ...(odd('attribute-only', 0.03) ? { attribute: true } : {}),
    ...(odd('some-reasons', 0.2) ? { reasons: random.pick(halves) } : {}),
    ...(indirect !== odd('indirect-flag-wrong', 0.1) ? { indirect: true } : {}),
  };
}

function entriesOf({ random, odd }: Maker, indirect: boolean): EntryOptions[] {
  const list: EntryOptions[] = [{ serial: 5 }, { serial: 900, reason: 'superseded' }];
  if (odd('listed', 0.25)) {
    const reason = random.pick([undefined, 'keyCompromise', 'superseded', 'certificateHold'] as const);
    const issuer = indirect && !odd('no-certificate-issuer', 0.2) ? { issuer: cas.issuing.subject } : {};
    list.push({ serial, ...(reason === undefined ? {} : { reason }), ...issuer });
  }
  if (odd('critical-entry', 0.04)) list.push({ serial: 6, extensions: [unknownExtension(true)] });
  return list;
}

function timesOf({ odd }: Maker, number: number): { thisUpdate: Date; nextUpdate?: Date | null } {
  if (odd('stale', 0.08)) return { thisUpdate: hours(-48), nextUpdate: hours(-1) };
  if (odd('future', 0.05)) return { thisUpdate: hours(2) };
  if (odd('no-next-update', 0.05)) return { thisUpdate: hours(-1), nextUpdate: null };
  return { thisUpdate: hours(-5 + number / 10) };
}

function signerOf({ odd }: Maker, indirect: boolean): Pick<Minted, 'key' | 'subject'> {
  if (odd('stranger', 0.05)) return { key: keyNumber(9), subject: cas.issuing.subject };
  if (odd('own-key', 0.1)) return cas.ownKey;
  return indirect ? cas.service : cas.issuing;
}

function listOf(maker: Maker, number: number): Uint8Array[] {
  const { odd } = maker;
  const indirect = odd('indirect-list', 0.2);
  const idp = scopeFor(maker, indirect);
  const by = signerOf(maker, indirect);
  const more = [
    ...(odd('no-key-id', 0.1) ? [] : [ext.authorityKeyIdentifier(keyId(by.key))]),
    ...(idp === undefined ? [] : [scope(idp)]),
    ...(odd('critical', 0.04) ? [unknownExtension(true)] : []),
  ];
  const list = mintCrlDer({
    by,
    ...timesOf(maker, number),
    entries: entriesOf(maker, indirect),
    extensions: [...(odd('no-number', 0.1) ? [] : [cRLNumber(number)]), ...more],
    forged: odd('forged', 0.04),
    ...(odd('two-algorithms', 0.02) ? { innerAlgorithm: algorithms['ecdsa-sha384'].identifier } : {}),
  });
  return odd('delta', 0.25) ? [list, deltaOf(maker, number, by, more)] : [list];
}

function deltaOf(
  { random, odd }: Maker,
  number: number,
  by: Pick<Minted, 'key' | 'subject'>,
  more: readonly Uint8Array[],
): Uint8Array {
  const base = odd('delta-of-later-base', 0.15) ? number + 1 : number;
  const own = odd('delta-too-old', 0.1) ? number : number + 2;
  const reason = random.pick(['removeFromCRL', 'keyCompromise', undefined] as const);
  return mintCrlDer({
    by,
    thisUpdate: hours(-1.5 + number / 100),
    ...(odd('delta-stale', 0.1) ? { nextUpdate: hours(-0.5) } : {}),
    entries: random.chance(0.5) ? [{ serial: 7 }] : [{ serial, ...(reason === undefined ? {} : { reason }) }],
    extensions: [cRLNumber(own), deltaCRLIndicator(base), ...(odd('delta-other-scope', 0.1) ? [] : more)],
  });
}

export function generateCrls(seed: number): GeneratedCrls {
  const random = randomFrom(seed);
  const oddities = new Set<string>();
  const odd = (what: string, probability = 0.05): boolean => {
    const yes = random.chance(probability);
    if (yes) oddities.add(what);
    return yes;
  };
  const maker: Maker = { random, oddities, odd };
  const issuing = odd('no-crl-sign', 0.04) ? cas.noCrlSign : cas.issuing;
  const points = pointsOf(maker);
  const leaf = mint({
    subject: 'CN=device',
    key: keyNumber(2),
    by: issuing,
    serial,
    extensions: ext.deviceExtensions(
      ...(points.length === 0 ? [] : [distributionPoints(points)]),
      ...(odd('no-freshest', 0.2)
        ? []
        : [distributionPoints([{ names: [{ uri: 'http://a.example/d.crl' }] }], 'freshestCRL')]),
    ),
  });
  const lists = [...Array(random.pick([1, 1, 1, 2, 3])).keys()].flatMap((n) => listOf(maker, 10 * (n + 1)));
  const rootList = odd('no-root-list', 0.05)
    ? []
    : [mintCrlDer({ by: root, entries: odd('ca-revoked', 0.05) ? [{ serial: 77 }] : [], extensions: [cRLNumber(3)] })];
  const { service, ownKey } = cas;
  return { root, issuing, service, ownKey, leaf, crls: [...rootList, ...lists], oddities };
}
