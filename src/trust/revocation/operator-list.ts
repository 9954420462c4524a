import { parseIdentityName } from '../../fleet/identity.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { type CertificateStatus, type RevocationReason, revocationReasons } from '../../x509/certificate-status.ts';
import type { Name } from '../../x509/name.ts';
import { nameToString } from '../../x509/name.ts';

export type ListKind = 'issuer-serial' | 'fingerprint' | 'identity';

/** One certificate of the operator's own list, by issuer and serial number, by fingerprint, or by what it proves. */
export interface ListEntry {
  readonly kind: ListKind;
  /** Normalised, so that two writings of the same are the same. */
  readonly key: string;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
  readonly note?: string;
}

export function issuerSerialKey(issuer: string, serialNumber: string): string {
  return `${distinguishedNameKey(issuer)}\n${serialNumber}`;
}

/**
 * A distinguished name in any of the usual writings (RFC 4514, OpenSSL's `C = DE, O = X` and `/C=DE/O=X`), with its
 * parts in one order: who has the same parts in another order is the same issuer to people.
 */
export function distinguishedNameKey(text: string): string {
  const slashes = /^\s*\/[A-Za-z0-9.]+\s*=/.test(text);
  const parts = slashes
    ? text
        .trim()
        .slice(1)
        .split(/\/(?=[A-Za-z0-9.]+\s*=)/)
    : text.split(/(?<!\\)[,+](?=\s*[A-Za-z0-9.]+\s*=)/);
  return parts
    .map((part) => {
      const at = part.indexOf('=');
      const value = part.slice(at + 1).replace(/\\([",+;<>\\# =])/g, '$1');
      const type = part.slice(0, at).trim().toUpperCase();
      return `${aliases[type] ?? type}=${value.trim().replace(/\s+/g, ' ').toLowerCase()}`;
    })
    .sort()
    .join(',');
}

const aliases: Readonly<Record<string, string>> = { S: 'ST', E: 'EMAILADDRESS', EMAIL: 'EMAILADDRESS', USERID: 'UID' };

/** Hex with or without separators and leading zeros; undefined for what is no serial number. */
export function serialNumberOf(text: string): string | undefined {
  const plain = text.trim().toLowerCase().replace(/^0x/, '').replace(/[:\s]/g, '');
  if (!/^[0-9a-f]{1,80}$/.test(plain)) return undefined;
  return plain.replace(/^0+(?=.)/, '');
}

export function fingerprintKey(text: string): string | undefined {
  const plain = text
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, '')
    .replace(/[:\s]/g, '');
  return /^[0-9a-f]{64}$/.test(plain) ? plain : undefined;
}

export function identityKey(text: string): string | undefined {
  return parseIdentityName(text.trim())?.value;
}

export function reasonOf(text: string): RevocationReason | undefined {
  const plain = text
    .trim()
    .toLowerCase()
    .replace(/[_\s-]/g, '');
  return revocationReasons.find((reason) => reason.toLowerCase() === plain);
}

/** What the list holds, in memory: looked up under a microsecond, exact. */
export interface OperatorList {
  readonly size: number;
  set(entry: ListEntry): void;
  delete(kind: ListKind, key: string): void;
  /** Revoked, or undefined: the list never says good. `identity`: what the certificate proves. */
  find(certificate: Certificate, identity: string | undefined): CertificateStatus | undefined;
}

export function createOperatorList(): OperatorList {
  const entries = new Map<string, ListEntry>();
  const id = (kind: ListKind, key: string): string => `${kind} ${key}`;
  const issuerKeys = new WeakMap<Name, string>();
  const issuerKey = (name: Name): string => {
    const known = issuerKeys.get(name) ?? distinguishedNameKey(nameToString(name));
    issuerKeys.set(name, known);
    return known;
  };
  return {
    get size() {
      return entries.size;
    },
    set: (entry) => entries.set(id(entry.kind, entry.key), entry),
    delete: (kind, key) => entries.delete(id(kind, key)),
    find: (certificate, identity) => {
      if (entries.size === 0) return undefined;
      const { issuer, serialNumber, fingerprint } = certificate;
      const entry =
        entries.get(id('fingerprint', fingerprint)) ??
        (identity === undefined ? undefined : entries.get(id('identity', identity))) ??
        entries.get(id('issuer-serial', `${issuerKey(issuer)}\n${serialNumber}`));
      if (entry === undefined) return undefined;
      const { revokedAt, reason } = entry;
      return { kind: 'revoked', revokedAt, reason, thisUpdate: revokedAt };
    },
  };
}

/** A list with more entries on it, for asking what they would mean. */
export function overlay(base: OperatorList, entries: readonly ListEntry[]): OperatorList {
  const more = createOperatorList();
  for (const entry of entries) more.set(entry);
  return {
    size: base.size + more.size,
    set: more.set,
    delete: more.delete,
    find: (certificate, identity) => base.find(certificate, identity) ?? more.find(certificate, identity),
  };
}
