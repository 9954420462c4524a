import type { Actor } from '../../fleet/changes.ts';
import type { Role } from './roles.ts';

/** Who somebody is by what they proved, and what they may do. */
export interface Holder {
  /** By what: an API key, a token of the OpenID provider (a person: `operator`), a client certificate. */
  readonly kind: Extract<Actor['kind'], 'key' | 'operator' | 'certificate'>;
  /** Unique within the kind, and stable: of a key its id, of a person `sub`, of a certificate its fingerprint. */
  readonly id: string;
  /** For people: stands in the audit. */
  readonly name: string;
  readonly role: Role;
  /** Tag of the devices they are kept to; null: all. */
  readonly group: string | null;
}

/**
 * What became of credentials. invalid: they prove nothing; unmapped: they prove who it is, and nobody gave them a role;
 * unavailable: nobody can judge them now.
 */
export type HolderResult =
  | { readonly ok: true; readonly holder: Holder }
  | { readonly ok: false; readonly kind: 'invalid' | 'unmapped' | 'unavailable'; readonly cause: string };
