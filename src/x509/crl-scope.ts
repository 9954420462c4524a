import type { Certificate } from './certificate.ts';
import type { CertificateList } from './crl.ts';
import type { IssuingDistributionPoint } from './crl-extensions.ts';
import { toHex } from './der.ts';
import { type DistributionPointName, type ReasonFlag, revocationReasons } from './extension-pointers.ts';
import type { GeneralName } from './general-name.ts';
import { type Name, namesEqual, type RelativeName } from './name.ts';
import { nameKey } from './path-anchor.ts';

/** A set of reasons, one bit each (RFC 5280 6.3.2 (a)). */
export type ReasonMask = number;

const bitOf = (reason: ReasonFlag): number => 1 << revocationReasons.indexOf(reason);

/** All reasons but `unused`. */
export const allReasons: ReasonMask = revocationReasons.slice(1).reduce((mask, reason) => mask | bitOf(reason), 0);

function maskOf(reasons: readonly ReasonFlag[] | undefined): ReasonMask {
  if (reasons === undefined) return allReasons;
  return allReasons & reasons.reduce((mask, reason) => mask | bitOf(reason), 0);
}

/** A place that the certificate, or RFC 5280 6.3.3 itself, points to: what a CRL must fit. */
export interface ScopePoint {
  /** `generalNameKey` of each name; undefined where the point has none. */
  readonly names: ReadonlySet<string> | undefined;
  readonly reasons: ReasonMask;
  /** Names of the issuer of an indirect CRL; undefined where the issuer of the certificate issues it. */
  readonly cRLIssuers: readonly Name[] | undefined;
  /** `generalNameKey` of every name in cRLIssuer, whatever its kind. */
  readonly cRLIssuerNames: ReadonlySet<string>;
}

const points = new WeakMap<Certificate, readonly ScopePoint[]>();

/** The distribution points in the order of the certificate, then that of RFC 5280 6.3.3's last step. */
export function scopePointsOf(certificate: Certificate): readonly ScopePoint[] {
  let found = points.get(certificate);
  if (found === undefined) {
    const { cRLDistributionPoints = [] } = certificate.extensions;
    found = [...cRLDistributionPoints.map((point) => pointerOf(certificate, point)), issuerPoint(certificate)];
    points.set(certificate, found);
  }
  return found;
}

type Pointer = NonNullable<Certificate['extensions']['cRLDistributionPoints']>[number];

function pointerOf(certificate: Certificate, { name, reasons, cRLIssuer }: Pointer): ScopePoint {
  const issuers = cRLIssuer?.flatMap((general) => (general.kind === 'directoryName' ? [general.name] : []));
  // RFC 5280 4.2.1.13: relative to the CRL issuer, which is the certificate issuer where none is named.
  const base = issuers?.[0] ?? certificate.issuer;
  return {
    names: name === undefined ? undefined : keysOf(fullNames(name, base)),
    reasons: maskOf(reasons),
    cRLIssuers: issuers,
    cRLIssuerNames: keysOf(cRLIssuer ?? []),
  };
}

/** RFC 5280 6.3.3: "a DP with both the reasons and the cRLIssuer fields omitted and a name of the certificate issuer". */
function issuerPoint({ issuer, extensions }: Certificate): ScopePoint {
  const names: GeneralName[] = [{ kind: 'directoryName', name: issuer }, ...(extensions.issuerAltName ?? [])];
  return { names: keysOf(names), reasons: allReasons, cRLIssuers: undefined, cRLIssuerNames: new Set() };
}

function fullNames(name: DistributionPointName, base: Name): readonly GeneralName[] {
  return name.kind === 'fullName' ? name.names : [{ kind: 'directoryName', name: appended(base, name.rdn) }];
}

function appended(base: Name, rdn: RelativeName): Name {
  // Has no DER of its own: it is only ever compared by its key.
  return { rdns: [...base.rdns, rdn], der: new Uint8Array() };
}

function keysOf(names: readonly GeneralName[]): Set<string> {
  return new Set(names.map(generalNameKey));
}

/** Equal for names that are equal: distinguished names by RFC 5280 7.1, all others to the octet. */
export function generalNameKey(name: GeneralName): string {
  switch (name.kind) {
    case 'directoryName':
      return `${name.kind} ${nameKey(name.name)}`;
    case 'rfc822Name':
    case 'dNSName':
    case 'uniformResourceIdentifier':
      return `${name.kind} ${name.value}`;
    case 'iPAddress':
      return `${name.kind} ${toHex(name.bytes)}`;
    case 'registeredID':
      return `${name.kind} ${name.oid}`;
    case 'otherName':
      return `${name.kind} ${name.oid} ${toHex(name.der)}`;
    case 'x400Address':
    case 'ediPartyName':
      return `${name.kind} ${toHex(name.der)}`;
  }
}

const ownNames = new WeakMap<IssuingDistributionPoint, ReadonlySet<string>>();

function namesOfList(
  crl: CertificateList,
  idp: IssuingDistributionPoint,
  name: DistributionPointName,
): ReadonlySet<string> {
  let keys = ownNames.get(idp);
  if (keys === undefined) {
    // RFC 5280 5.2.5: relative to the issuer of the CRL.
    keys = keysOf(fullNames(name, crl.issuer));
    ownNames.set(idp, keys);
  }
  return keys;
}

/** The reasons that a complete CRL covers for a certificate under a point, or why it has no word on it. */
export type Scope =
  | { readonly kind: 'in-scope'; readonly reasons: ReasonMask }
  /** Of another issuer: nothing to do with the certificate. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'out-of-scope'; readonly detail: string };

const outOfScope = (detail: string): Scope => ({ kind: 'out-of-scope', detail });

/** RFC 5280 6.3.3 (b) and (d). */
export function scopeOf(crl: CertificateList, point: ScopePoint, certificate: Certificate): Scope {
  const idp = crl.extensions.issuingDistributionPoint;
  // (b)(1), REV-11
  if (point.cRLIssuers === undefined) {
    if (!namesEqual(crl.issuer, certificate.issuer)) return { kind: 'foreign' };
  } else {
    if (!point.cRLIssuers.some((name) => namesEqual(name, crl.issuer))) return { kind: 'foreign' };
    if (idp?.indirectCRL !== true) return outOfScope('it is no indirect CRL, and the certificate wants one');
  }
  if (idp === undefined) return { kind: 'in-scope', reasons: point.reasons };
  // (b)(2)(i)
  if (idp.name !== undefined && !overlaps(namesOfList(crl, idp, idp.name), point.names ?? point.cRLIssuerNames))
    return outOfScope('it is of another distribution point');
  const isCa = certificate.extensions.basicConstraints?.ca === true;
  // (b)(2)(ii) to (iv)
  if (idp.onlyContainsUserCerts && isCa) return outOfScope('it has no CA certificates');
  if (idp.onlyContainsCACerts && !isCa) return outOfScope('it has CA certificates only');
  if (idp.onlyContainsAttributeCerts) return outOfScope('it has attribute certificates only');
  return { kind: 'in-scope', reasons: point.reasons & maskOf(idp.onlySomeReasons) };
}

function overlaps(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const key of a) if (b.has(key)) return true;
  return false;
}
