import type { Certificate } from './certificate.ts';
import type { SettledPath } from './path-settled.ts';

/** What is remembered of a leaf: the way to its anchor, every signature of it verified. */
export interface KnownPath {
  readonly intermediates: readonly Certificate[];
  readonly anchor: Certificate;
}

/**
 * Remembers verified signatures, and for the leaves seen last the whole judgement with its terms; validity, profile and
 * policy are looked at every time. Only paths that led to an anchor and were good enter, so that strangers cannot fill it.
 */
export interface PathCache {
  readonly leafPath: (fingerprint: string) => KnownPath | undefined;
  /** A CA certificate of a remembered path, with its key imported. */
  readonly issuer: (fingerprint: string) => Certificate | undefined;
  readonly isSignedBy: (subject: Certificate, issuer: Certificate) => boolean;
  readonly remember: (leaf: Certificate, path: KnownPath) => void;
  readonly settled: (fingerprint: string) => SettledPath | undefined;
  readonly settle: (fingerprint: string, path: SettledPath) => void;
  /** Forgets everything. */
  readonly clear: () => void;
  readonly size: () => { readonly leaves: number; readonly issuers: number };
}

/**
 * `maxEntries` bounds the leaves; CA certificates, their signatures and settled paths have an eighth of it each, 64 at
 * least. A leaf takes 0.4 kB, a settled path with its certificate read 6 kB.
 */
export function createPathCache({ maxEntries }: { readonly maxEntries: number }): PathCache {
  const leaves = leastRecentlyUsed<KnownPath>(maxEntries);
  const most = Math.max(64, Math.ceil(maxEntries / 8));
  const issuers = leastRecentlyUsed<Certificate>(most);
  const signatures = leastRecentlyUsed<true>(most);
  const settled = leastRecentlyUsed<SettledPath>(most);
  const edge = (subject: Certificate, issuer: Certificate): string => subject.fingerprint + issuer.fingerprint;
  return {
    leafPath: leaves.get,
    issuer: issuers.get,
    isSignedBy: (subject, issuer) => signatures.get(edge(subject, issuer)) === true,
    remember(leaf, { intermediates, anchor }) {
      // The leaf itself is not kept here: it comes again with the next connection.
      leaves.set(leaf.fingerprint, { intermediates, anchor });
      for (const [i, certificate] of intermediates.entries()) {
        issuers.set(certificate.fingerprint, certificate);
        signatures.set(edge(certificate, intermediates[i + 1] ?? anchor), true);
      }
    },
    settled: settled.get,
    settle: settled.set,
    clear() {
      for (const map of [leaves, issuers, signatures, settled]) map.clear();
    },
    size: () => ({ leaves: leaves.size(), issuers: issuers.size() }),
  };
}

function leastRecentlyUsed<Value>(most: number) {
  const entries = new Map<string, Value>();
  return {
    get(key: string): Value | undefined {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    set(key: string, value: Value): void {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size > most)
        for (const oldest of entries.keys()) {
          entries.delete(oldest);
          break;
        }
    },
    clear: () => entries.clear(),
    size: () => entries.size,
  };
}
