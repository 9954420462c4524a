import { readAlgorithmIdentifier, signatureAlgorithmOf } from './algorithms.ts';
import { type Certificate, parseFor, type Signature } from './certificate.ts';
import {
  collect,
  constructed,
  content,
  type DerCursor,
  type DerElement,
  type DerLimits,
  derError,
  enter,
  expect,
  finish,
  openOnly,
  openSequence,
  optional,
  tags,
  unwrap,
  whole,
} from './der.ts';
import { octetsOfBitString, oidOf, smallInteger } from './der-values.ts';
import { type Name, nameOf } from './name.ts';
import { type OcspExtension, readOcspExtensions } from './ocsp-extensions.ts';
import { ocspOids } from './ocsp-oids.ts';
import { generalizedTime, readSingleResponse, type SingleResponse } from './ocsp-single-response.ts';

/** RFC 6960 4.2.1. Everything but `successful` comes without a signature: anybody can say it. */
const ocspResponseStatuses = {
  0: 'successful',
  1: 'malformedRequest',
  2: 'internalError',
  3: 'tryLater',
  5: 'sigRequired',
  6: 'unauthorized',
} as const;

export type OcspResponseStatus = (typeof ocspResponseStatuses)[keyof typeof ocspResponseStatuses];

export type OcspResponse =
  | { readonly status: Exclude<OcspResponseStatus, 'successful'> }
  | ({ readonly status: 'successful' } & BasicOcspResponse);

/** BasicOCSPResponse (RFC 6960 4.2.1) as plain data, believed by nobody yet. */
export interface BasicOcspResponse {
  readonly responderId: ResponderId;
  readonly producedAt: Date;
  readonly responses: readonly SingleResponse[];
  readonly extensions: readonly OcspExtension[];
  /** Over the octets of tbsResponseData as they came. */
  readonly signature: Signature;
  readonly certificates: readonly Certificate[];
}

export type ResponderId =
  | { readonly kind: 'byName'; readonly name: Name }
  /** SHA-1 of the responder's key, without tag and length. */
  | { readonly kind: 'byKey'; readonly keyHash: Uint8Array };

/** Bytes read of an answer, certificates included; usual ones have 0.5 to 5 KB. */
export const ocspResponseLimits: DerLimits = { bytes: 128 * 1024, depth: 32 };
const mostResponses = 1024;
/** A responder sends its own certificate and perhaps those above it. */
const mostCertificates = 16;

/** Reads one OCSPResponse. Throws `DerError`, naming the field, and nothing else. */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  const response = openOnly(der, 'ocspResponse', ocspResponseLimits);
  const statusElement = expect(response, tags.enumerated, 'responseStatus');
  const status = statusOf(statusElement);
  const bytes = optional(response, constructed(0), 'responseBytes');
  finish(response);
  if (status !== 'successful') return { status };
  if (bytes === undefined) throw derError(statusElement, 'missing', 'is successful, but there is no answer');
  return { status, ...readResponseBytes(enter(unwrap(bytes, tags.sequence))) };
}

function statusOf(element: DerElement): OcspResponseStatus {
  const value = smallInteger(element);
  const status = (ocspResponseStatuses as Readonly<Record<number, OcspResponseStatus>>)[value];
  if (status === undefined) throw derError(element, 'value', `${value} is no status`);
  return status;
}

function readResponseBytes(inside: DerCursor): BasicOcspResponse {
  const type = expect(inside, tags.oid, 'responseType');
  const oid = oidOf(type);
  if (oid !== ocspOids.basic) throw derError(type, 'value', `answers of type ${oid} are not known here`);
  const octets = expect(inside, tags.octetString, 'response');
  finish(inside);
  const outside = { ...enter(octets), field: inside.field };
  const basic = openSequence(outside, 'basicOCSPResponse');
  finish(outside);
  return readBasic(basic);
}

function readBasic(basic: DerCursor): BasicOcspResponse {
  const tbs = expect(basic, tags.sequence, 'tbsResponseData');
  const algorithm = signatureAlgorithmOf(readAlgorithmIdentifier(basic, 'signatureAlgorithm'));
  const value = octetsOfBitString(expect(basic, tags.bitString, 'signature'));
  const certs = optional(basic, constructed(0), 'certs');
  finish(basic);
  return {
    ...readResponseData(enter(tbs)),
    // The algorithm stands in one place only, so it cannot contradict itself.
    signature: { algorithm, consistent: true, signed: whole(tbs), value },
    certificates: certs === undefined ? [] : readCertificates(unwrap(certs, tags.sequence)),
  };
}

function readResponseData(tbs: DerCursor) {
  const version = optional(tbs, constructed(0), 'version');
  // DER leaves the default out; responders that spell it out are many, and it says nothing else.
  if (version !== undefined && smallInteger(unwrap(version, tags.integer)) !== 0)
    throw derError(version, 'value', 'is not version 1');
  const responderId = readResponderId(tbs);
  const producedAt = generalizedTime(tbs, 'producedAt');
  const responses = collect(openSequence(tbs, 'responses'), readSingleResponse, mostResponses);
  const extensions = optional(tbs, constructed(1), 'responseExtensions');
  finish(tbs);
  return {
    responderId,
    producedAt,
    responses,
    extensions: extensions === undefined ? [] : readOcspExtensions(extensions),
  };
}

/** Explicit tags both: a Name is a CHOICE, and the module of RFC 6960 tags explicitly. */
function readResponderId(tbs: DerCursor): ResponderId {
  const byName = optional(tbs, constructed(1), 'responderID');
  if (byName !== undefined) return { kind: 'byName', name: nameOf(unwrap(byName, tags.sequence)) };
  const byKey = unwrap(expect(tbs, constructed(2), 'responderID'), tags.octetString);
  const keyHash = content(byKey);
  if (keyHash.length !== 20) throw derError(byKey, 'value', 'is no SHA-1 of a key');
  return { kind: 'byKey', keyHash };
}

function readCertificates(list: DerElement): Certificate[] {
  return collect(enter(list), (cursor) => readResponder(cursor), mostCertificates);
}

/** What entitles a responder; deployed ones carry empty names and the like in extensions that nobody asks for. */
function readResponder(cursor: DerCursor): Certificate {
  return parseFor(whole(expect(cursor, tags.sequence, 'certificate')), ['basicConstraints', 'keyUsage', 'extKeyUsage']);
}
