import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { OidcConfig } from '../../config/schema.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Holder, HolderResult } from './holder.ts';
import type { Jwks } from './jwks.ts';
import type { Role } from './roles.ts';

export interface OidcDeps {
  readonly config: OidcConfig;
  readonly jwks: Jwks;
  readonly clock: Clock;
}

/** The keys of the issuer cannot be had: nobody can say whether a token is good. */
class KeysAway extends Error {
  override readonly name = 'KeysAway';
}

/** Whose a bearer token of the OpenID provider is, and what its claims let it do. */
export function createOidc({ config, jwks, clock }: OidcDeps): (token: string) => Promise<HolderResult> {
  const keyOf: JWTVerifyGetKey = async (header, token) => {
    const keys = await jwks.current();
    if (keys === undefined) throw new KeysAway();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // The issuer may have begun to sign with a new key.
      const newer = await jwks.anew();
      if (newer === undefined || newer === keys) throw error;
      return newer(header, token);
    }
  };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keyOf, {
        issuer: config.issuer,
        audience: config.audience,
        // RFC 8725 3.1: what the token says of itself chooses nothing.
        algorithms: [...config.algorithms],
        clockTolerance: config.clockSkew / 1000,
        currentDate: clock.now(),
        requiredClaims: ['exp', 'sub'],
      });
      return holderOf(payload, config);
    } catch (error) {
      if (error instanceof KeysAway)
        return { ok: false, kind: 'unavailable', cause: 'the keys of the token’s issuer cannot be had' };
      if (error instanceof errors.JOSEError || error instanceof TypeError)
        return { ok: false, kind: 'invalid', cause: causeOf(error) };
      throw error;
    }
  };
}

/** In words of ours: what a library says may repeat what a stranger wrote. */
function causeOf(error: Error): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `the claim ${error.claim} of the token is not as it must be`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the token is signed by an algorithm that is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no such key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token is not good';
  return 'this is no token that can be read';
}

/** One visible line: it stands in the audit. */
const plain = /^[^\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]{1,200}$/u;

function holderOf(payload: JWTPayload, config: OidcConfig): HolderResult {
  const { sub } = payload;
  if (sub === undefined || !plain.test(sub))
    return { ok: false, kind: 'invalid', cause: 'the claim sub of the token is not as it must be' };
  const role = roleOf(textsOf(claimAt(payload, config.roleClaim)), config.roles);
  if (role === undefined)
    return { ok: false, kind: 'unmapped', cause: `no value of the claim ${config.roleClaim} is mapped to a role` };
  const group = groupOf(payload, config.groupClaim);
  if (group === undefined)
    return { ok: false, kind: 'unmapped', cause: `the claim ${config.groupClaim} does not hold the tag of a group` };
  const named = claimAt(payload, config.nameClaim);
  const name = typeof named === 'string' && plain.test(named) ? named : sub;
  const holder: Holder = { kind: 'operator', id: sub, name, role, group };
  return { ok: true, holder };
}

/** The claim of that very name, else the way that its dots lead. */
function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let at: unknown = payload;
  for (const part of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[part];
  }
  return at;
}

function textsOf(value: unknown): ReadonlySet<string> {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return new Set(list.filter((one) => typeof one === 'string'));
}

/** The order of the table decides, not that of the token. */
function roleOf(has: ReadonlySet<string>, roles: OidcConfig['roles']): Role | undefined {
  return roles.find(({ value }) => has.has(value))?.role;
}

/** Undefined: a group is asked for, and the token names none. */
function groupOf(payload: JWTPayload, claim: string | undefined): string | null | undefined {
  if (claim === undefined) return null;
  const [group, ...more] = textsOf(claimAt(payload, claim));
  return group === undefined || more.length > 0 || group.length > 64 || !plain.test(group) ? undefined : group;
}
