import { type CertificateList, parseCrl } from '../../src/x509/crl.ts';
import { type ReasonFlag, revocationReasons } from '../../src/x509/extension-pointers.ts';
import { crlExtensionOids, entryExtensionOids } from '../../src/x509/oids.ts';
import * as der from './der-writer.ts';
import { algorithms, type KeyPair, now, type SigningAlgorithm } from './minting.ts';
import { extension, generalName, type NameEntry } from './minting-extensions.ts';

/** Mints CRLs for the tests: every field can be set, also to what no issuer would write. */

export const hours = (count: number, from: Date = now): Date => new Date(from.getTime() + count * 3_600_000);

export const reasons = {
  keyCompromise: 1,
  cACompromise: 2,
  superseded: 4,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
} as const;

export interface EntryOptions {
  readonly serial: number | bigint | Uint8Array;
  readonly revokedAt?: Date | Uint8Array;
  readonly reason?: keyof typeof reasons | number;
  /** Name in DER, for indirect CRLs. */
  readonly issuer?: Uint8Array;
  /** More entry extensions. */
  readonly extensions?: readonly Uint8Array[];
}

export function entry({ serial, revokedAt = hours(-100), reason, issuer, extensions = [] }: EntryOptions): Uint8Array {
  const code = typeof reason === 'string' ? reasons[reason] : reason;
  const list = [
    ...(code === undefined ? [] : [extension(entryExtensionOids.reasonCode, der.tlv(0x0a, Buffer.from([code])))]),
    ...(issuer === undefined ? [] : [certificateIssuer({ directory: issuer })]),
    ...extensions,
  ];
  return der.sequence(
    serial instanceof Uint8Array ? der.tlv(0x02, serial) : der.integer(serial),
    revokedAt instanceof Date ? der.time(revokedAt) : revokedAt,
    ...(list.length === 0 ? [] : [der.sequence(...list)]),
  );
}

export function certificateIssuer(...names: readonly NameEntry[]): Uint8Array {
  return extension(entryExtensionOids.certificateIssuer, der.sequence(...names.map(generalName)), true);
}

export const unknownExtension = (critical: boolean): Uint8Array => extension('1.2.3.4', der.nothing(), critical);
export const cRLNumber = (n: number | bigint): Uint8Array => extension(crlExtensionOids.cRLNumber, der.integer(n));
export const deltaCRLIndicator = (base: number): Uint8Array =>
  extension(crlExtensionOids.deltaCRLIndicator, der.integer(base), true);

export interface ScopeOptions {
  readonly names?: readonly NameEntry[];
  /** The set of attributes of nameRelativeToCRLIssuer. */
  readonly relative?: Uint8Array;
  readonly user?: boolean;
  readonly ca?: boolean;
  readonly attribute?: boolean;
  readonly reasons?: readonly ReasonFlag[];
  readonly indirect?: boolean;
}

/** issuingDistributionPoint. */
export function scope(options: ScopeOptions): Uint8Array {
  const yes = Buffer.from([0xff]);
  const value = der.sequence(
    ...pointName(options),
    ...(options.user ? [der.implicit(1, yes)] : []),
    ...(options.ca ? [der.implicit(2, yes)] : []),
    ...(options.reasons ? [reasonFlags(3, options.reasons)] : []),
    ...(options.indirect ? [der.implicit(4, yes)] : []),
    ...(options.attribute ? [der.implicit(5, yes)] : []),
  );
  return extension(crlExtensionOids.issuingDistributionPoint, value, true);
}

function pointName({ names, relative }: Pick<ScopeOptions, 'names' | 'relative'>): Uint8Array[] {
  if (names !== undefined) return [der.explicit(0, der.explicit(0, ...names.map(generalName)))];
  return relative === undefined ? [] : [der.explicit(0, der.explicit(1, relative))];
}

function reasonFlags(tag: number, flags: readonly ReasonFlag[]): Uint8Array {
  const bits = [0, 0];
  for (const flag of flags) {
    const n = revocationReasons.indexOf(flag);
    bits[n >> 3] = (bits[n >> 3] ?? 0) | (0x80 >> (n & 7));
  }
  return der.implicit(
    tag,
    Buffer.from([bits[1] === 0 ? 0 : 7, bits[0] ?? 0, ...(bits[1] === 0 ? [] : [bits[1] ?? 0])]),
  );
}

export interface PointOptions {
  readonly names?: readonly NameEntry[];
  readonly relative?: Uint8Array;
  readonly reasons?: readonly ReasonFlag[];
  readonly issuer?: Uint8Array;
}

/** cRLDistributionPoints, or freshestCRL. */
export function distributionPoints(
  points: readonly PointOptions[],
  name: 'cRLDistributionPoints' | 'freshestCRL' = 'cRLDistributionPoints',
): Uint8Array {
  const list = points.map((point) =>
    der.sequence(
      ...pointName(point),
      ...(point.reasons ? [reasonFlags(1, point.reasons)] : []),
      ...(point.issuer ? [der.tlv(0xa2, generalName({ directory: point.issuer }))] : []),
    ),
  );
  return extension(name, der.sequence(...list));
}

export interface CrlMintOptions {
  readonly by: { readonly key: KeyPair; readonly subject: Uint8Array };
  /** Name in DER, where it is not that of `by`. */
  readonly issuer?: Uint8Array;
  readonly thisUpdate?: Date | Uint8Array;
  /** null: none. */
  readonly nextUpdate?: Date | Uint8Array | null;
  readonly entries?: readonly (EntryOptions | Uint8Array)[];
  readonly extensions?: readonly Uint8Array[];
  readonly version?: 1 | 2;
  readonly algorithm?: SigningAlgorithm;
  readonly innerAlgorithm?: Uint8Array;
  /** Flips a bit of the signature. */
  readonly forged?: boolean;
}

export function mintCrlDer(options: CrlMintOptions): Uint8Array {
  const { by, entries = [], extensions = [], version = 2 } = options;
  const kind = by.key.publicKey.asymmetricKeyType;
  const fallback =
    kind === 'rsa' ? algorithms['rsa-sha256'] : kind === 'ed25519' ? algorithms.ed25519 : algorithms['ecdsa-sha256'];
  const algorithm = options.algorithm ?? fallback;
  const { thisUpdate = hours(-1), nextUpdate = hours(24) } = options;
  const time = (value: Date | Uint8Array): Uint8Array => (value instanceof Date ? der.time(value) : value);
  const tbs = der.sequence(
    ...(version === 2 ? [der.integer(1)] : []),
    options.innerAlgorithm ?? algorithm.identifier,
    options.issuer ?? by.subject,
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(entries.length === 0 ? [] : [der.sequence(...entries.map((e) => (e instanceof Uint8Array ? e : entry(e))))]),
    ...(extensions.length === 0 ? [] : [der.explicit(0, der.sequence(...extensions))]),
  );
  const signature = Buffer.from(algorithm.sign(tbs, by.key.privateKey));
  if (options.forged) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return der.sequence(tbs, algorithm.identifier, der.bits(signature));
}

export function mintCrl(options: CrlMintOptions): CertificateList {
  return parseCrl(mintCrlDer(options));
}
