import {
  collect,
  constructed,
  type DerCursor,
  type DerElement,
  derError,
  enter,
  finish,
  nextTag,
  openSequence,
  optional,
  primitive,
  take,
} from './der.ts';
import { namedBits, readOid } from './der-values.ts';
import { type GeneralName, readGeneralName, readGeneralNames } from './general-name.ts';
import { type RelativeName, relativeNameOf } from './name.ts';

/** RFC 5280 4.2.1.13, in the order of the bits. */
export const revocationReasons = [
  'unused',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
] as const;

export type ReasonFlag = (typeof revocationReasons)[number];

/** Where a CRL is to be found; also the scope of one (issuingDistributionPoint). */
export type DistributionPointName =
  | { readonly kind: 'fullName'; readonly names: readonly GeneralName[] }
  | { readonly kind: 'nameRelativeToCRLIssuer'; readonly rdn: RelativeName };

/** RFC 5280 4.2.1.13. */
export interface DistributionPoint {
  readonly name?: DistributionPointName;
  readonly reasons?: readonly ReasonFlag[];
  readonly cRLIssuer?: readonly GeneralName[];
}

/** RFC 5280 4.2.2.1. */
export interface AccessDescription {
  /** Dotted decimal; see `accessMethods`. */
  readonly method: string;
  readonly location: GeneralName;
}

const mostPoints = 1024;

export function readDistributionPoints(cursor: DerCursor, name: string): DistributionPoint[] {
  const list = openSequence(cursor, name);
  const points = collect(list, readDistributionPoint, mostPoints);
  if (points.length === 0) throw derError(list.field, 'missing', 'points nowhere');
  return points;
}

function readDistributionPoint(cursor: DerCursor): DistributionPoint {
  const inside = openSequence(cursor, 'distributionPoint');
  const name = optional(inside, constructed(0), 'distributionPoint');
  const reasons = optional(inside, primitive(1), 'reasons');
  const issuer = optional(inside, constructed(2), 'cRLIssuer');
  finish(inside);
  // RFC 5280 4.2.1.13: either the point or the issuer must be there.
  if (name === undefined && issuer === undefined)
    throw derError(inside.field, 'missing', 'names no point and no issuer');
  return {
    ...(name === undefined ? {} : { name: distributionPointNameOf(name) }),
    ...(reasons === undefined ? {} : { reasons: reasonFlagsOf(reasons) }),
    ...(issuer === undefined ? {} : { cRLIssuer: readGeneralNames(enter(issuer)) }),
  };
}

export function reasonFlagsOf(element: DerElement): ReasonFlag[] {
  return namedBits(element).flatMap((bit) => revocationReasons[bit] ?? []);
}

/** DistributionPointName, under its explicit tag. */
export function distributionPointNameOf(element: DerElement): DistributionPointName {
  const inside = enter(element);
  const tag = nextTag(inside);
  const choice = take(inside, tag === constructed(1) ? 'nameRelativeToCRLIssuer' : 'fullName');
  finish(inside);
  if (tag === constructed(0)) return { kind: 'fullName', names: readGeneralNames(enter(choice)) };
  if (tag === constructed(1)) return { kind: 'nameRelativeToCRLIssuer', rdn: relativeNameOf(choice) };
  throw derError(choice, 'tag', 'is no DistributionPointName');
}

export function readAccessDescriptions(cursor: DerCursor, name: string): AccessDescription[] {
  const list = openSequence(cursor, name);
  const descriptions = collect(list, readAccessDescription, mostPoints);
  if (descriptions.length === 0) throw derError(list.field, 'missing', 'describes nothing');
  return descriptions;
}

function readAccessDescription(cursor: DerCursor): AccessDescription {
  const inside = openSequence(cursor, 'accessDescription');
  const method = readOid(inside, 'accessMethod');
  const location = readGeneralName(inside);
  finish(inside);
  return { method, location };
}
