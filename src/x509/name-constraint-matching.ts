import type { GeneralName, GeneralNameKind } from './general-name.ts';
import { isWithin, type Name } from './name.ts';

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

/** A name taken apart once, so that holding it against many subtrees is cheap. */
export interface ReadName {
  readonly kind: GeneralNameKind;
  /** Lower case; of a dNSName without its wildcard, of a mailbox or URI the host. Undefined: not well-formed. */
  readonly host?: string | undefined;
  readonly wildcard?: boolean;
  readonly local?: string | undefined;
  readonly address?: Uint8Array;
  readonly name?: Name;
}

/** Says how a name of the same kind stands to its subtree. */
export type Subtree = (name: ReadName) => Standing;

const hostName = /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const isHost = (text: string): boolean => text.length <= 255 && hostName.test(text);
const hostOrNothing = (text: string | undefined): string | undefined => (text && isHost(text) ? text : undefined);

const mailbox = /^([^@\s]+)@([^@\s]+)$/;

export function readForMatching(name: GeneralName): ReadName {
  const { kind } = name;
  switch (kind) {
    case 'dNSName': {
      const text = name.value.toLowerCase();
      const wildcard = text.startsWith('*.');
      return { kind, wildcard, host: hostOrNothing(wildcard ? text.slice(2) : text) };
    }
    case 'rfc822Name': {
      const [, local, domain] = mailbox.exec(name.value) ?? [];
      return { kind, local, host: hostOrNothing(domain?.toLowerCase()) };
    }
    case 'uniformResourceIdentifier':
      return { kind, host: hostOfUri(name.value) };
    case 'iPAddress':
      return { kind, address: name.bytes };
    case 'directoryName':
      return { kind, name: name.name };
    default:
      return { kind };
  }
}

/** RFC 5280 4.2.1.10: only a URI with an authority whose host is a fully qualified name can be held to a constraint. */
function hostOfUri(uri: string): string | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri)?.[1];
  const host = authority === undefined ? undefined : /^(?:[^@]*@)?([^@:]+)(?::[0-9]*)?$/.exec(authority)?.[1];
  return host === undefined || /^[0-9.]+$/.test(host) ? undefined : hostOrNothing(host.toLowerCase());
}

const unclear: Subtree = () => 'unclear';

export function subtreeOf(base: GeneralName, options: MatchingOptions): Subtree {
  switch (base.kind) {
    case 'dNSName':
      return dnsSubtree(base.value.toLowerCase(), options);
    case 'rfc822Name':
      return mailboxSubtree(base.value);
    case 'uniformResourceIdentifier':
      return hostSubtree(base.value.toLowerCase());
    case 'iPAddress':
      return addressSubtree(base.bytes);
    case 'directoryName':
      return ({ name }) => (name !== undefined && isWithin(name, base.name) ? 'within' : 'outside');
    default:
      return unclear;
  }
}

function dnsSubtree(base: string, { leadingDot }: MatchingOptions): Subtree {
  // An empty constraint is the root of all names.
  if (base === '') return ({ host }) => (host === undefined ? 'unclear' : 'within');
  const dotted = leadingDot && base.startsWith('.');
  const zone = dotted ? base.slice(1) : base;
  if (!isHost(zone)) return unclear;
  const below = `.${zone}`;
  const parent = zone.slice(zone.indexOf('.') + 1);
  return ({ host, wildcard }) => {
    if (host === undefined) return 'unclear';
    if (host.endsWith(below)) return 'within';
    if (host === zone) return dotted && !wildcard ? 'outside' : 'within';
    // *.example.com can stand for bar.example.com.
    return wildcard && host === parent ? 'overlaps' : 'outside';
  };
}

function mailboxSubtree(base: string): Subtree {
  const [, baseLocal, baseDomain] = mailbox.exec(base) ?? [];
  if (baseLocal === undefined || baseDomain === undefined) return hostSubtree(base.toLowerCase());
  // A particular mailbox: the local part exactly, the host in any case (RFC 5280 7.5).
  const baseHost = baseDomain.toLowerCase();
  return ({ local, host }) => {
    if (host === undefined) return 'unclear';
    return local === baseLocal && host === baseHost ? 'within' : 'outside';
  };
}

/** A host exactly, or every host of a domain where the constraint begins with a period. */
function hostSubtree(base: string): Subtree {
  const domain = base.startsWith('.');
  if (!isHost(domain ? base.slice(1) : base)) return unclear;
  return ({ host }) => {
    if (host === undefined) return 'unclear';
    return (domain ? host.endsWith(base) : host === base) ? 'within' : 'outside';
  };
}

function addressSubtree(base: Uint8Array): Subtree {
  const size = base.length / 2;
  const mask = base.subarray(size);
  if ((size !== 4 && size !== 16) || !isPrefixMask(mask)) return unclear;
  const network = base.subarray(0, size).map((octet, i) => octet & (mask[i] ?? 0));
  return ({ address = base }) => {
    if (address.length !== 4 && address.length !== 16) return 'unclear';
    if (address.length !== size) return 'outside';
    return network.every((octet, i) => octet === ((address[i] ?? 0) & (mask[i] ?? 0))) ? 'within' : 'outside';
  };
}

const prefixOctets = new Set([0x00, 0x80, 0xc0, 0xe0, 0xf0, 0xf8, 0xfc, 0xfe, 0xff]);

/** RFC 5280 4.2.1.10: address and mask "in the style of RFC 4632 (CIDR)": ones, then zeros. */
function isPrefixMask(mask: Uint8Array): boolean {
  let ended = false;
  for (const octet of mask) {
    if (ended ? octet !== 0 : !prefixOctets.has(octet)) return false;
    ended ||= octet !== 0xff;
  }
  return true;
}
