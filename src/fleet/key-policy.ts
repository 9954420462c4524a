import type { CertificateState } from './device.ts';

/** What to do with a key that an identity has not shown before, once it has an approved one. */
export type NewKeyPolicy = 'hold' | 'admit' | 'refuse';

export interface KnownKey {
  /** Hex SHA-256 of the SubjectPublicKeyInfo. */
  readonly spki: string;
  readonly state: CertificateState;
}

export type KeyVerdict =
  | { readonly kind: 'first' }
  /** The same key in a renewed certificate. */
  | { readonly kind: 'same'; readonly state: CertificateState }
  | { readonly kind: 'new'; readonly state: 'approved' | 'held' }
  /** Refused, and not kept. */
  | { readonly kind: 'new'; readonly state: 'refused' };

/** A word spoken on a key stands for every certificate of it: a refusal before an approval, either before waiting. */
const strongest: readonly CertificateState[] = ['refused', 'approved', 'held'];

/** The key of a certificate never seen before, against the keys that the identity has shown. */
export function judgeKey(policy: NewKeyPolicy, spki: string, known: readonly KnownKey[]): KeyVerdict {
  if (known.length === 0) return { kind: 'first' };
  const same = known.filter((key) => key.spki === spki);
  const state = strongest.find((word) => same.some((key) => key.state === word));
  if (state !== undefined) return { kind: 'same', state };
  switch (policy) {
    case 'admit':
      return { kind: 'new', state: 'approved' };
    case 'hold':
      return { kind: 'new', state: 'held' };
    case 'refuse':
      return { kind: 'new', state: 'refused' };
  }
}
