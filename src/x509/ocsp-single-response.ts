import type { RevocationReason } from './certificate-status.ts';
import {
  constructed,
  type DerCursor,
  type DerElement,
  derError,
  enter,
  expect,
  finish,
  openSequence,
  optional,
  primitive,
  take,
  tags,
  unwrap,
} from './der.ts';
import { timeOf } from './der-times.ts';
import { checkNull, smallInteger } from './der-values.ts';
import { type CertId, readCertId } from './ocsp-cert-id.ts';
import { type OcspExtension, readOcspExtensions } from './ocsp-extensions.ts';

/** What is said of one certificate (RFC 6960 4.2.1). */
export interface SingleResponse {
  readonly certId: CertId;
  readonly status: OcspCertStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date;
  readonly extensions: readonly OcspExtension[];
}

export type OcspCertStatus =
  | { readonly kind: 'good' }
  | { readonly kind: 'revoked'; readonly revokedAt: Date; readonly reason: RevocationReason }
  | { readonly kind: 'unknown' };

export function readSingleResponse(cursor: DerCursor): SingleResponse {
  const inside = openSequence(cursor, 'singleResponse');
  const certId = readCertId(inside, 'certID');
  const status = readCertStatus(inside);
  const thisUpdate = generalizedTime(inside, 'thisUpdate');
  const next = optional(inside, constructed(0), 'nextUpdate');
  const extensions = optional(inside, constructed(1), 'singleExtensions');
  finish(inside);
  const nextUpdate = next === undefined ? undefined : timeOf(unwrap(next, tags.generalizedTime));
  if (next !== undefined && nextUpdate !== undefined && nextUpdate < thisUpdate)
    throw derError(next, 'value', 'lies before thisUpdate');
  return {
    certId,
    status,
    thisUpdate,
    ...(nextUpdate === undefined ? {} : { nextUpdate }),
    extensions: extensions === undefined ? [] : readOcspExtensions(extensions),
  };
}

/** RFC 6960 4.2.2.1: GeneralizedTime only, in the one form of RFC 5280 4.1.2.5.2. */
export function generalizedTime(cursor: DerCursor, name: string): Date {
  return timeOf(expect(cursor, tags.generalizedTime, name));
}

function readCertStatus(inside: DerCursor): OcspCertStatus {
  const element = take(inside, 'certStatus');
  switch (element.tag) {
    case primitive(0):
      checkNull(element);
      return { kind: 'good' };
    case constructed(1):
      return revokedOf(element);
    case primitive(2):
      checkNull(element);
      return { kind: 'unknown' };
    default:
      throw derError(element, 'tag', 'is not good, revoked or unknown');
  }
}

function revokedOf(element: DerElement): OcspCertStatus {
  const inside = enter(element);
  const revokedAt = generalizedTime(inside, 'revocationTime');
  const outer = optional(inside, constructed(0), 'revocationReason');
  finish(inside);
  return { kind: 'revoked', revokedAt, reason: outer === undefined ? 'unspecified' : reasonOf(outer) };
}

/** CRLReason (RFC 5280 5.3.1). */
const reasons: Readonly<Record<number, RevocationReason>> = {
  0: 'unspecified',
  1: 'keyCompromise',
  2: 'cACompromise',
  3: 'affiliationChanged',
  4: 'superseded',
  5: 'cessationOfOperation',
  6: 'certificateHold',
  // removeFromCRL takes an entry out of a delta CRL; beside "revoked" it explains nothing.
  8: 'unspecified',
  9: 'privilegeWithdrawn',
  10: 'aACompromise',
};

function reasonOf(outer: DerElement): RevocationReason {
  const element = unwrap(outer, tags.enumerated);
  const reason = reasons[smallInteger(element)];
  if (reason === undefined) throw derError(element, 'value', 'is no CRLReason');
  return reason;
}
