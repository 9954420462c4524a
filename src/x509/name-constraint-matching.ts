import type { GeneralName } from './general-name.ts';
import { isWithin } from './name.ts';

/**
 * How one name stands to one subtree (RFC 5280 4.2.1.10).
 * `within`: every name it can stand for is inside. `overlaps`: some are (a wildcard). `outside`: none.
 * `unclear`: the name or the subtree is not well-formed, or the form is not one that we process.
 */
export type Standing = 'within' | 'overlaps' | 'outside' | 'unclear';

export interface MatchingOptions {
  /** Read a dNSName constraint with a leading dot as "subdomains only", as OpenSSL does; the RFC has no such form. */
  readonly leadingDot: boolean;
}

/** Both are of the same kind. */
export function standingOf(name: GeneralName, base: GeneralName, options: MatchingOptions): Standing {
  if (name.kind === 'dNSName' && base.kind === 'dNSName') return dnsStanding(name.value, base.value, options);
  if (name.kind === 'iPAddress' && base.kind === 'iPAddress') return addressStanding(name.bytes, base.bytes);
  if (name.kind === 'rfc822Name' && base.kind === 'rfc822Name') return mailboxStanding(name.value, base.value);
  if (name.kind === 'uniformResourceIdentifier' && base.kind === 'uniformResourceIdentifier')
    return uriStanding(name.value, base.value);
  if (name.kind === 'directoryName' && base.kind === 'directoryName')
    return isWithin(name.name, base.name) ? 'within' : 'outside';
  return 'unclear';
}

const hostName = /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

function dnsStanding(name: string, base: string, { leadingDot }: MatchingOptions): Standing {
  const host = name.toLowerCase();
  const subtree = base.toLowerCase();
  const wildcard = host.startsWith('*.');
  const parent = wildcard ? host.slice(2) : host;
  if (!hostName.test(parent)) return 'unclear';
  // An empty constraint is the root of all names.
  if (subtree === '') return 'within';
  const dotted = leadingDot && subtree.startsWith('.');
  const zone = dotted ? subtree.slice(1) : subtree;
  if (!hostName.test(zone)) return 'unclear';
  if (parent.endsWith(`.${zone}`)) return 'within';
  if (parent === zone) return dotted && !wildcard ? 'outside' : 'within';
  // *.example.com can stand for bar.example.com.
  return wildcard && zone.slice(zone.indexOf('.') + 1) === parent ? 'overlaps' : 'outside';
}

function addressStanding(address: Uint8Array, base: Uint8Array): Standing {
  if (address.length !== 4 && address.length !== 16) return 'unclear';
  if ((base.length !== 8 && base.length !== 32) || !isPrefixMask(base.subarray(base.length / 2))) return 'unclear';
  if (base.length !== 2 * address.length) return 'outside';
  return address.every((octet, i) => {
    const mask = base[i + address.length] ?? 0;
    return (octet & mask) === ((base[i] ?? 0) & mask);
  })
    ? 'within'
    : 'outside';
}

/** RFC 5280 4.2.1.10: address and mask "in the style of RFC 4632 (CIDR)": ones, then zeros. */
function isPrefixMask(mask: Uint8Array): boolean {
  let ended = false;
  for (const octet of mask) {
    if (ended ? octet !== 0 : !prefixOctets.has(octet)) return false;
    ended ||= octet !== 0xff;
  }
  return true;
}

const prefixOctets = new Set([0x00, 0x80, 0xc0, 0xe0, 0xf0, 0xf8, 0xfc, 0xfe, 0xff]);

const mailbox = /^([^@\s]+)@([^@\s]+)$/;

function mailboxStanding(name: string, base: string): Standing {
  const [, local, domain] = mailbox.exec(name) ?? [];
  const host = domain?.toLowerCase();
  if (local === undefined || host === undefined || !hostName.test(host)) return 'unclear';
  const [, baseLocal, baseDomain] = mailbox.exec(base) ?? [];
  // A particular mailbox: the local part exactly, the host in any case (RFC 5280 7.5).
  if (baseLocal !== undefined && baseDomain !== undefined)
    return baseLocal === local && baseDomain.toLowerCase() === host ? 'within' : 'outside';
  return hostStanding(host, base.toLowerCase());
}

/** A host exactly, or every host of a domain where the constraint begins with a period. */
function hostStanding(host: string, base: string): Standing {
  const domain = base.startsWith('.');
  if (!hostName.test(domain ? base.slice(1) : base)) return 'unclear';
  return (domain ? host.endsWith(base) : host === base) ? 'within' : 'outside';
}

/** RFC 5280 4.2.1.10: only a URI with an authority whose host is a fully qualified name can be held to a constraint. */
function uriStanding(name: string, base: string): Standing {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(name)?.[1];
  const host = authority === undefined ? undefined : /^(?:[^@]*@)?([^@:]+)(?::[0-9]*)?$/.exec(authority)?.[1];
  const lower = host?.toLowerCase();
  if (lower === undefined || !hostName.test(lower) || /^[0-9.]+$/.test(lower)) return 'unclear';
  return hostStanding(lower, base.toLowerCase());
}
