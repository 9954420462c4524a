import type { Certificate } from './certificate.ts';
import { comparisonKeys, type Name, nameToString } from './name.ts';
import { commonName } from './oids.ts';
import type { AnchorIndex } from './path-anchor.ts';
import type { PathDetail, PathFailure } from './path-failure.ts';
import type { DeadEnd } from './path-search.ts';
import { failureOf, isSelfIssued } from './path-validation.ts';

/** How telling it is: what touches an anchor's name comes before what never heard of one. */
export function deadEndProgress(cause: DeadEnd): number {
  switch (cause.kind) {
    case 'exhausted':
      return 500;
    case 'not-signed':
      return cause.anchor === undefined ? 300 : 400;
    case 'no-issuer':
      return 100;
    case 'circle':
    case 'too-long':
      return 0;
  }
}

/** A way that led to no anchor, as a failure. */
export function deadEndFailure(
  cause: DeadEnd,
  certificates: readonly Certificate[],
  anchors: AnchorIndex,
): PathFailure {
  const top = certificates.at(-1);
  const { detail, message } = describe(cause, top, anchors);
  const anchor = cause.kind === 'not-signed' ? cause.anchor : undefined;
  const clause = cause.kind === 'not-signed' ? 'RFC 5280 6.1.3 (a)(1)' : 'RFC 5280 6.1';
  return failureOf({ detail, clause, message }, top, anchor);
}

interface Described {
  readonly detail: PathDetail;
  readonly message: string;
}

function describe(cause: DeadEnd, top: Certificate | undefined, anchors: AnchorIndex): Described {
  switch (cause.kind) {
    case 'exhausted':
      return { detail: 'budget_exhausted', message: 'the ways to an anchor are too many to try' };
    case 'not-signed':
      return notSigned(cause.verdict, top);
    case 'too-long':
      return { detail: 'budget_exhausted', message: 'the way to an anchor is too long' };
    case 'circle':
      return { detail: 'no_anchor', message: 'was issued in a circle that meets no anchor' };
    case 'no-issuer':
      return noIssuer(top, anchors);
  }
}

function notSigned(
  verdict: 'bad' | 'key_mismatch' | 'key_unusable' | 'algorithm_refused',
  top: Certificate | undefined,
): Described {
  switch (verdict) {
    case 'algorithm_refused':
      return {
        detail: 'signature_algorithm',
        message: `is signed with ${top?.signature.algorithm.name}, which is refused`,
      };
    case 'key_unusable':
      return { detail: 'key_algorithm', message: 'the key of its issuer cannot be used' };
    case 'key_mismatch':
    case 'bad':
      return { detail: 'signature_invalid', message: 'the signature is not of its issuer' };
  }
}

function noIssuer(top: Certificate | undefined, anchors: AnchorIndex): Described {
  if (top === undefined || isSelfIssued(top)) return { detail: 'no_anchor', message: 'is self-issued and no anchor' };
  const message = `its issuer ${nameToString(top.issuer)} was neither sent nor configured`;
  return { detail: looksLikeOurs(top.issuer, anchors) ? 'issuer_missing' : 'no_anchor', message };
}

/**
 * Whether a missing issuer seems to belong to an anchor: its name is an anchor's but for the common name. It decides
 * only what the refusal is called, so that a device of ours that forgot its intermediate is told from a stranger.
 */
function looksLikeOurs(issuer: Name, anchors: AnchorIndex): boolean {
  const organisation = withoutCommonName(issuer);
  if (organisation === '') return false;
  return [...anchors.fingerprints.values()].some(([first]) => {
    return first !== undefined && withoutCommonName(first.certificate.subject) === organisation;
  });
}

function withoutCommonName(name: Name): string {
  const keys = comparisonKeys(name);
  return keys.filter((key) => !key.startsWith(`${commonName}=`)).join('\n');
}
