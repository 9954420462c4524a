import {
  collect,
  type DerCursor,
  derError,
  expect,
  finish,
  more,
  openSequence,
  optional,
  primitive,
  tags,
  take,
  whole,
} from './der.ts';
import { readOid, smallInteger } from './der-values.ts';

/** RFC 5280 4.2.1.4. */
export interface PolicyInformation {
  readonly policy: string;
  readonly qualifiers: readonly { readonly oid: string; readonly der: Uint8Array }[];
}

/** RFC 5280 4.2.1.5. */
export interface PolicyMapping {
  readonly issuerDomainPolicy: string;
  readonly subjectDomainPolicy: string;
}

/** RFC 5280 4.2.1.11; numbers of certificates that may still follow. */
export interface PolicyConstraints {
  readonly requireExplicitPolicy?: number;
  readonly inhibitPolicyMapping?: number;
}

const mostPolicies = 8192;
const mostQualifiers = 64;

export function readPolicies(cursor: DerCursor, name: string): PolicyInformation[] {
  const list = openSequence(cursor, name);
  const policies = collect(list, readPolicy, mostPolicies);
  if (policies.length === 0) throw derError(list.field, 'missing', 'names no policy');
  // RFC 5280 4.2.1.4: a policy must not appear more than once.
  if (new Set(policies.map(({ policy }) => policy)).size !== policies.length)
    throw derError(list.field, 'duplicate', 'names a policy twice');
  return policies;
}

function readPolicy(cursor: DerCursor): PolicyInformation {
  const inside = openSequence(cursor, 'policyInformation');
  const policy = readOid(inside, 'policyIdentifier');
  const qualifiers = more(inside)
    ? collect(openSequence(inside, 'policyQualifiers'), readQualifier, mostQualifiers)
    : [];
  finish(inside);
  return { policy, qualifiers };
}

function readQualifier(cursor: DerCursor): { oid: string; der: Uint8Array } {
  const inside = openSequence(cursor, 'policyQualifierInfo');
  const oid = readOid(inside, 'policyQualifierId');
  const der = whole(take(inside, 'qualifier'));
  finish(inside);
  return { oid, der };
}

export function readPolicyMappings(cursor: DerCursor, name: string): PolicyMapping[] {
  const list = openSequence(cursor, name);
  const mappings = collect(list, readMapping, mostPolicies);
  if (mappings.length === 0) throw derError(list.field, 'missing', 'maps nothing');
  return mappings;
}

function readMapping(cursor: DerCursor): PolicyMapping {
  const inside = openSequence(cursor, 'mapping');
  const issuerDomainPolicy = readOid(inside, 'issuerDomainPolicy');
  const subjectDomainPolicy = readOid(inside, 'subjectDomainPolicy');
  finish(inside);
  return { issuerDomainPolicy, subjectDomainPolicy };
}

export function readPolicyConstraints(cursor: DerCursor, name: string): PolicyConstraints {
  const inside = openSequence(cursor, name);
  const explicit = optional(inside, primitive(0), 'requireExplicitPolicy');
  const mapping = optional(inside, primitive(1), 'inhibitPolicyMapping');
  finish(inside);
  // RFC 5280 4.2.1.11: an empty sequence is not allowed.
  if (explicit === undefined && mapping === undefined) throw derError(inside.field, 'missing', 'constrains nothing');
  return {
    ...(explicit === undefined ? {} : { requireExplicitPolicy: smallInteger(explicit) }),
    ...(mapping === undefined ? {} : { inhibitPolicyMapping: smallInteger(mapping) }),
  };
}

export function readInhibitAnyPolicy(cursor: DerCursor, name: string): number {
  return smallInteger(expect(cursor, tags.integer, name));
}
