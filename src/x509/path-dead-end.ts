import type { Certificate } from './certificate.ts';
import { comparisonKeys, type Name, nameToString } from './name.ts';
import { commonName } from './oids.ts';
import type { AnchorIndex } from './path-anchor.ts';
import type { PathDetail, PathFailure } from './path-failure.ts';
import type { DeadEnd } from './path-search.ts';
import { failureOf, isSelfIssued } from './path-validation.ts';

/** A way that led to no anchor, as a failure, and how telling it is. */
export function deadEndFailure(
  cause: DeadEnd,
  certificates: readonly Certificate[],
  anchors: AnchorIndex,
): { readonly failure: PathFailure; readonly progress: number } {
  const top = certificates.at(-1);
  const { detail, message, progress } = describe(cause, top, anchors);
  const anchor = cause.kind === 'not-signed' ? cause.anchor : undefined;
  const clause = cause.kind === 'not-signed' ? 'RFC 5280 6.1.3 (a)(1)' : 'RFC 5280 6.1';
  return { failure: failureOf({ detail, clause, message }, top, anchor), progress: progress + certificates.length };
}

interface Described {
  readonly detail: PathDetail;
  readonly message: string;
  readonly progress: number;
}

function describe(cause: DeadEnd, top: Certificate | undefined, anchors: AnchorIndex): Described {
  switch (cause.kind) {
    case 'exhausted':
      return { detail: 'budget_exhausted', message: 'the ways to an anchor are too many to try', progress: 500 };
    case 'not-signed':
      return { ...notSigned(cause.verdict, top), progress: cause.anchor === undefined ? 300 : 400 };
    case 'too-long':
      return { detail: 'budget_exhausted', message: 'the way to an anchor is too long', progress: 0 };
    case 'circle':
      return { detail: 'no_anchor', message: 'was issued in a circle that meets no anchor', progress: 0 };
    case 'no-issuer':
      return { ...noIssuer(top, anchors), progress: 100 };
  }
}

function notSigned(
  verdict: 'bad' | 'key_mismatch' | 'key_unusable' | 'algorithm_refused',
  top: Certificate | undefined,
): Omit<Described, 'progress'> {
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

function noIssuer(top: Certificate | undefined, anchors: AnchorIndex): Omit<Described, 'progress'> {
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
