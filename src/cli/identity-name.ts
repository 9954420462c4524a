import { type IdentityName, parseIdentityName } from '../fleet/identity.ts';
import { exitCodes, failure } from './failure.ts';

/** An identity as a person writes it on the command line. */
export function identityName(text: string): IdentityName {
  const name = parseIdentityName(text);
  if (name !== undefined) return name;
  throw failure(
    exitCodes.usage,
    `${JSON.stringify(text)} is no device identity`,
    'write <12 or 16 hex digits>.<realm>, or OUI[-ProductClass]-Serial',
  );
}
